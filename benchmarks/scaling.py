# SPDX-License-Identifier: GPL-3.0-or-later
"""How the cost of `kiln` grows: `python -m benchmarks.scaling` writes `docs/benchmarks/scaling.md`.

A surface that was measured (`benchmarks.run`) is drawn, with its colours, by cameras spread evenly
about it: as many as wanted, of any size. One of views, pixels and voxels grows at a time, and
cost ~ size^exponent is fitted to each. It must not know how a mesh is found.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.capture.write_scene import frame
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.rasterize import shade
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image

from benchmarks.machine import DOCS, commit, machine, today
from benchmarks.run import WORK
from benchmarks.tables import table

MESH = "solid.kiln.standard.glb"
VIEWS, SIDE, VOXELS = 24, 400, 160
"""What is kept while another one grows."""
GROWING = {
    "views": (12, 24, 48, 100, 200),
    "pixels a side": (200, 400, 800, 1600),
    "voxels a side": (80, 160, 320, 640),
}
AWAY, FIELD = 1.7, np.radians(34.0)
"""The cameras' distance, of the thing's diagonal; their angle of view."""
GOLDEN = np.pi * (3.0 - np.sqrt(5.0))
"""Radians from one point to the next on a sphere that is covered evenly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one run of the command."""

    what: str
    size: int
    processor: float
    """Seconds of all cores together: who else is at work hardly changes them."""
    peak_mb: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", nargs="*", choices=tuple(GROWING), default=tuple(GROWING))
    path = DOCS / "scaling.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    thing = load_mesh(WORK / MESH)
    assert isinstance(thing, TriangleMesh)  # as it came out, before any texture
    for what in parser.parse_args().what:
        for size in GROWING[what]:
            known[f"{what} {size}"] = asdict(measured(thing, what, size))
            path.write_text(json.dumps(known, indent=1) + "\n")
    _report([Cost(**each) for each in known.values()])


def measured(thing: TriangleMesh, what: str, size: int) -> Cost:
    """Draw the photographs, run the command, and ask the system what it took."""
    views, side, voxels = (
        size if what == name else usual
        for name, usual in zip(GROWING, (VIEWS, SIDE, VOXELS), strict=True)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photograph(thing, views, side, folder / "scene")
        settings = {"resolution": voxels, "max_side": side, "stereo_side": side}
        command = [sys.executable, "-m", "lightkiln", "reconstruct", str(folder / "scene")]
        command += ["-o", str(folder / "out.ply"), "--preset", "draft", "--set", "time_budget=9999"]
        for key, value in settings.items():
            command += ["--set", f"{key}={value}"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit((folder / "log").read_text())
    return Cost(
        what=what,
        size=size,
        processor=round(usage.ru_utime + usage.ru_stime, 1),
        peak_mb=round(usage.ru_maxrss / 1024.0),
    )


def photograph(thing: TriangleMesh, views: int, side: int, folder: Path) -> None:
    """Draw a thing from all around, `side` pixels square and cut out, as a scene's folder."""
    (folder / "images").mkdir(parents=True)
    middle = (thing.positions.min(axis=0) + thing.positions.max(axis=0)) / 2.0
    radius = float(np.linalg.norm(np.ptp(thing.positions, axis=0)))
    frames = []
    for index in range(views):
        camera = around(index, views, middle, AWAY * radius, side)
        name = f"images/{index:03}.png"
        Image.fromarray(shade(thing, camera, samples=2)).save(folder / name, compress_level=1)
        frames.append(frame(camera, name))
    document = {"camera_model": "PINHOLE", "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(document))


def around(index: int, count: int, middle: NDArray[Any], away: float, side: int) -> Camera:
    """One of `count` cameras that look at the middle from a sphere that they cover evenly."""
    height, turn = 1.0 - (2.0 * index + 1.0) / count, GOLDEN * index
    flat = np.sqrt(1.0 - height**2)
    outward = np.array([flat * np.cos(turn), flat * np.sin(turn), height])
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2] = right, np.cross(-outward, right), -outward
    pose[:3, 3] = middle + away * outward
    focal = 0.5 * side / np.tan(0.5 * FIELD)
    return Camera(
        world_from_camera=pose,
        focal=(focal, focal),
        principal_point=(side / 2.0, side / 2.0),
        distortion=(),
        width=side,
        height=side,
    )


def exponent(sizes: Sequence[float], costs: Sequence[float]) -> float:
    """The slope of log cost over log size, by least squares."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def _report(costs: Sequence[Cost]) -> None:
    rows, fits = [], []
    for what in GROWING:
        mine = sorted((c for c in costs if c.what == what), key=lambda c: c.size)
        rows += [[what, str(c.size), f"{c.processor:.0f}", f"{c.peak_mb:.0f}"] for c in mine]
        if len(mine) > 1:
            sizes = [float(c.size) for c in mine]
            slopes = exponent(sizes, [c.processor for c in mine])
            memory = exponent(sizes, [c.peak_mb for c in mine])
            last = exponent(sizes[-2:], [c.processor for c in mine[-2:]])
            fits.append([what, f"{slopes:.2f}", f"{last:.2f}", f"{memory:.2f}"])
    template = Path(__file__).with_suffix(".template.md").read_text()
    heads = ["growing", "exponent of time", "of the last step", "exponent of memory"]
    text = template.format(
        fits=table(heads, fits),
        costs=table(["growing", "to", "processor, s", "memory, MB"], rows),
        views=VIEWS,
        side=SIDE,
        voxels=VOXELS,
        date=today(),
        machine=machine(),
        commit=commit(),
    )
    (DOCS / "scaling.md").write_text(text)


if __name__ == "__main__":
    main()
