# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the real command on a scene, and measures time, memory and the mesh against the truth.

It must not know how figures are shown.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import trimesh
from lightkiln.mesh.export import load_mesh
from lightkiln.metrics.surface import TAUS, evaluate
from lightkiln_shared.geometry import TriangleMesh

from benchmarks.heldout import SEED, mesh_psnr

TRUTH = "truth.ply"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is run on what."""

    scene: str
    method: str
    preset: str

    @property
    def name(self) -> str:
        return f"{self.scene}.{self.method}.{self.preset}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it. Distances are percents of the truth's bounding box's diagonal."""

    scene: str
    method: str
    preset: str
    seconds: float
    """From the command's start to its end, the interpreter's start included."""
    peak_mb: float
    """Main memory of its largest process."""
    triangles: int
    accuracy: float
    completeness: float
    f_score: float
    """Percent, at the smallest threshold of `metrics.surface.TAUS`."""
    normals: float
    """Mean |cosine| between normals at nearest points."""
    psnr: float
    """Of the mesh with its colours, at cameras that were held out, decibels."""
    genus: int | None = None
    """Number of its holes, by Euler's formula; None if its largest part is not closed."""
    true_genus: int | None = None

    @property
    def distance(self) -> float:
        """The two-sided mean distance."""
        return (self.accuracy + self.completeness) / 2.0


def command_for(case: Case, scenes: Path, mesh: Path) -> list[str]:
    """What a person would type."""
    program = [sys.executable, "-m", "lightkiln", "reconstruct", str(scenes / case.scene)]
    return [*program, "-o", str(mesh), "--method", case.method, "--preset", case.preset]


def measure(case: Case, scenes: Path, work: Path) -> Result:
    """Reconstruct, then compare; raises `CalledProcessError` if the command fails."""
    mesh = work / f"{case.name}.glb"
    seconds, peak_mb = _run(command_for(case, scenes, mesh), work / f"{case.name}.log")
    made, truth = load_mesh(mesh), load_mesh(scenes / case.scene / TRUTH)
    assert isinstance(made, TriangleMesh)  # the command writes nothing else
    scores = evaluate(made, truth, seed=SEED)
    return Result(
        scene=case.scene,
        method=case.method,
        preset=case.preset,
        seconds=round(seconds, 1),
        peak_mb=round(peak_mb),
        triangles=len(made.triangles),
        accuracy=round(100.0 * scores.fraction(scores.accuracy), 4),
        completeness=round(100.0 * scores.fraction(scores.completeness), 4),
        f_score=round(100.0 * scores.f_scores[TAUS.index(min(TAUS))], 2),
        normals=round(scores.normal_consistency or 0.0, 4),
        psnr=round(mesh_psnr(made, scenes / case.scene), 2),
        genus=genus(made),
        true_genus=genus(truth),
    )


def genus(mesh: TriangleMesh) -> int | None:
    """g of V - E + F = 2 - 2 g for the largest part; None where it is open or touches itself."""
    whole = trimesh.Trimesh(mesh.positions, mesh.triangles, process=False)
    whole.merge_vertices()
    largest = max(whole.split(only_watertight=False), key=lambda part: len(part.faces))
    closed = largest.is_watertight and largest.euler_number % 2 == 0
    return 1 - largest.euler_number // 2 if closed else None


def _run(command: Sequence[str], log: Path) -> tuple[float, float]:
    """Wall seconds, and megabytes of the largest process among the command and its children."""
    start = time.perf_counter()
    with log.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        # Popen's own wait would drop what the system tells of this one child.
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, list(command), log.read_bytes())
    return time.perf_counter() - start, usage.ru_maxrss / 1024.0
