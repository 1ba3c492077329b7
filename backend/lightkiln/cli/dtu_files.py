# SPDX-License-Identifier: GPL-3.0-or-later
"""DTU's evaluation data, read from its folders, and what is printed of a mesh that is judged by it.

    FOLDER/Points/stl/stl024_total.ply     the scanner's points (archive Points)
    FOLDER/ObsMask/ObsMask24_10.mat        ObsMask, BB, Res: the observed space (SampleSet)
    FOLDER/ObsMask/Plane24.mat             P: the table (SampleSet)

It must not know how the figures are computed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from lightkiln.capture.load import load_view
from lightkiln.capture.open_scene import open_scene
from lightkiln.mesh.clean import keep_triangles
from lightkiln.mesh.export import load_mesh
from lightkiln.metrics import culling
from lightkiln.metrics.dtu import FARTHEST, SPACING, DtuScores, Scan, evaluate

SEED = 0

# What scipy's reader raises on damaged files.
_DAMAGE = (
    LookupError,
    MatReadError,
    MemoryError,  # a count that is none
    NotImplementedError,  # MATLAB 7.3
    OSError,
    TypeError,
    UnboundLocalError,
    ValueError,
    zlib.error,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Culling:
    """By how many masks a mesh was cut, and what it lost."""

    num_masks: int
    dilation: int
    """Pixels."""
    width: int
    """Of the first mask, pixels."""
    height: int
    """Of the first mask, pixels."""
    num_vertices: int
    """Before."""
    num_kept: int
    """After."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Figures, and by what rule they were taken."""

    scan: int
    scores: DtuScores
    culling: Culling | None


def judge(mesh: TriangleMesh, folder: Path, scan: int, views: Path | None) -> Judgement:
    """Cut the mesh by the masks of the scene `views`, if it is given, and compare it with a scan.

    Raises `UserError` for files that are missing or damaged, and if nothing is left to compare.
    """
    truth = read_scan(folder, scan)
    cut = None
    if views is not None:
        mesh, cut = _culled(mesh, views)
    return Judgement(scan=scan, scores=evaluate(mesh, truth, seed=SEED), culling=cut)


def read_scan(folder: Path, scan: int) -> Scan:
    """Raises `UserError`, naming the file, for one that is missing, damaged or of another kind."""
    stl = _found(folder, f"Points/stl/stl{scan:03}_total.ply")
    space = _found(folder, f"ObsMask/ObsMask{scan}_10.mat")
    table = _found(folder, f"ObsMask/Plane{scan}.mat")
    observed, box, resolution = _arrays(space, {"ObsMask": 3, "BB": 2, "Res": 2})
    (plane,) = _arrays(table, {"P": 2})
    if box.shape != (2, 3) or resolution.size != 1 or not resolution.item() > 0.0:
        raise _unusable(space)
    if plane.size != 4:
        raise _unusable(table)
    return Scan(
        stl=load_mesh(stl).positions.astype(np.float64),
        observed=observed.astype(bool),
        box=box.astype(np.float64),
        resolution=float(resolution.item()),
        plane=plane.astype(np.float64).reshape(4),
    )


def _found(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise UserError(
            f"The folder {folder} has no {name}.",
            hint="Points/stl comes with DTU's archive Points, ObsMask with its SampleSet.",
        )
    return path


def _arrays(path: Path, dimensions: dict[str, int]) -> list[NDArray[Any]]:
    """Arrays of finite numbers, by name, with so many dimensions."""
    try:
        arrays = loadmat(path, variable_names=list(dimensions))
        found = [np.asarray(arrays[name]) for name in dimensions]
    except _DAMAGE:
        raise _unusable(path) from None
    for array, num in zip(found, dimensions.values(), strict=True):
        if array.dtype.kind not in "biuf" or array.ndim != num or not np.isfinite(array).all():
            raise _unusable(path)
    return found


def _unusable(path: Path) -> UserError:
    return UserError(f"{path.name} cannot be used: it is damaged.", hint="Unpack it again.")


def _culled(mesh: TriangleMesh, folder: Path) -> tuple[TriangleMesh, Culling]:
    scene, files = open_scene(folder)
    sizes: list[tuple[int, ...]] = []

    def silhouettes() -> Iterator[tuple[Camera, NDArray[np.bool_]]]:
        for each in scene.views:
            view = load_view(each, files)
            if view.mask is None:
                raise UserError(
                    f"The view {view.name} has no mask to cut the mesh by.",
                    hint="Give a scene with a mask for each view, or leave --views out.",
                )
            sizes.append(view.mask.shape)
            yield view.camera, view.mask > 0.5

    keep = culling.stays(mesh.positions, silhouettes())
    kept = keep_triangles(mesh, keep[mesh.triangles].all(axis=-1))
    if len(kept.triangles) == 0:
        raise UserError(
            "The masks leave nothing of the mesh.",
            hint="Mesh and scene must stand in the same world, DTU's, in millimetres.",
        )
    cut = Culling(
        num_masks=len(sizes),
        dilation=culling.RADIUS,
        width=sizes[0][1],
        height=sizes[0][0],
        num_vertices=len(mesh.positions),
        num_kept=len(kept.positions),
    )
    return kept, cut


def plain(judged: Judgement) -> dict[str, Any]:
    """For `--json`; lengths in millimetres."""
    scores = asdict(judged.scores)
    return {
        "unit": "mm",
        "scan": judged.scan,
        "chamfer": judged.scores.chamfer,
        "accuracy": scores.pop("accuracy"),
        "completeness": scores.pop("completeness"),
        "spacing": SPACING,
        "farthest": FARTHEST,
        "seed": SEED,
        "culling": None if judged.culling is None else asdict(judged.culling),
        **scores,
    }


def show(judged: Judgement, console: Console) -> None:
    """The same for people."""
    scores, cut = judged.scores, judged.culling
    table = Table("", "mm", "points", "of", "beyond 20 mm", box=None, pad_edge=False)
    rows = (
        ("accuracy", scores.accuracy, scores.num_accurate, scores.num_observed),
        ("completeness", scores.completeness, scores.num_complete, scores.num_above),
    )
    for name, mean, num, of in rows:
        table.add_row(name, f"{mean:.4f}", f"{num}", f"{of}", f"{of - num}")
    table.add_row("chamfer", f"{scores.chamfer:.4f}")
    console.print(table)
    console.print(
        f"DTU scan {judged.scan}: {scores.num_data} points of the mesh {SPACING} mm apart "
        f"(seed {SEED}), {scores.num_stl} of the scanner."
    )
    if cut is None:
        console.print("Not culled.")
    else:
        console.print(
            f"Culled by {cut.num_masks} masks of {cut.width} x {cut.height}, dilated by "
            f"{cut.dilation} pixels: {cut.num_kept} of {cut.num_vertices} vertices stayed."
        )
