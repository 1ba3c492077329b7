# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln evaluate MESH --against REFERENCE`: how far a surface is from the truth.

With `--dtu FOLDER --scan N` the truth is DTU's, and so is the protocol. `evaluate METHOD DATASET`
judges a learned method instead.
It must not know how the figures are computed.
"""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from rich.console import Console
from rich.table import Table

from lightkiln.mesh.export import load_mesh
from lightkiln.metrics.closest import sample
from lightkiln.metrics.surface import TAUS, SurfaceScores
from lightkiln.metrics.surface import evaluate as compare
from lightkiln.metrics.transport import POINTS, earth_movers

from . import dtu_files


def evaluate(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    mesh: Annotated[
        Path,
        typer.Argument(help="The mesh to judge: .glb, .ply, .obj or .stl; or a learned method."),
    ],
    dataset: Annotated[
        Path | None, typer.Argument(help="What a learned method is judged on.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Of a learned method; without it, its own.")
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="The true mesh or point cloud, in metres.")
    ] = None,
    dtu: Annotated[
        Path | None, typer.Option(help="Or DTU's folder with Points/stl and ObsMask.")
    ] = None,
    scan: Annotated[int | None, typer.Option(min=1, help="Which of DTU's scans it is.")] = None,
    views: Annotated[
        Path | None, typer.Option(help="A scene whose masks cull the mesh first, with --dtu.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Compare a mesh with the truth: Chamfer, F-score, normals; or judge a learned method."""
    if not mesh.suffix and not mesh.exists():
        scores = importlib.import_module("lightkiln.cli.learned_scores")
        scores.by_dataset(str(mesh), dataset, weights, as_json=as_json)
        return
    if dtu is not None and scan is not None and against is None:
        _by_dtu(_triangles(mesh), dtu, scan, views, as_json)
    elif against is not None and dtu is None and scan is None and views is None:
        _by_truth(_triangles(mesh), against, as_json)
    else:
        raise UserError(
            "A mesh is judged either by a reference or by a scan of DTU.",
            hint="Give --against REFERENCE, or --dtu FOLDER --scan N, with or without --views.",
        )


def _triangles(mesh: Path) -> TriangleMesh:
    made = load_mesh(mesh)
    if not isinstance(made, TriangleMesh):
        raise UserError(
            f"{mesh.name} has no triangles.", hint="A point cloud can only be the reference."
        )
    return made


def _by_dtu(mesh: TriangleMesh, folder: Path, scan: int, views: Path | None, as_json: bool) -> None:
    judged = dtu_files.judge(mesh, folder, scan, views)
    if as_json:
        typer.echo(json.dumps(dtu_files.plain(judged)))
    else:
        dtu_files.show(judged, Console(highlight=False))


def _by_truth(mesh: TriangleMesh, against: Path, as_json: bool) -> None:
    truth = load_mesh(against)
    scores, moved = compare(mesh, truth), _moved(mesh, truth)
    if as_json:
        typer.echo(json.dumps({**_plain(scores), "earth_movers": moved}))
        return
    table = _table(scores)
    table.add_row("earth mover's", f"{moved:.6f}", f"{100 * scores.fraction(moved):.3f}")
    Console(highlight=False).print(table)


def _moved(mesh: TriangleMesh, truth: TriangleMesh | PointCloud) -> float:
    """The earth mover's distance of points of both."""
    a = sample(mesh, POINTS).points
    if isinstance(truth, TriangleMesh):
        return earth_movers(a, sample(truth, POINTS, seed=1).points)
    b = np.random.default_rng(1).permutation(truth.positions.astype(float))[:POINTS]
    return earth_movers(a[: len(b)], b)


def _plain(scores: SurfaceScores) -> dict[str, Any]:
    """Metres, and parts of one."""
    return {
        "chamfer": scores.chamfer,
        "accuracy": scores.accuracy,
        "completeness": scores.completeness,
        "f_scores": {f"{tau:g}": score for tau, score in zip(TAUS, scores.f_scores, strict=True)},
        "normal_consistency": scores.normal_consistency,
        "diagonal": scores.diagonal,
    }


def _table(scores: SurfaceScores) -> Table:
    table = Table("", "Metres", "% of the diagonal", box=None, pad_edge=False)
    for name in ("chamfer", "accuracy", "completeness"):
        length = getattr(scores, name)
        table.add_row(name, f"{length:.6f}", f"{100 * scores.fraction(length):.3f}")
    for tau, score in zip(TAUS, scores.f_scores, strict=True):
        table.add_row(f"F-score at {100 * tau:g} %", "", f"{100 * score:.1f}")
    if scores.normal_consistency is not None:
        table.add_row("normal consistency", "", f"{100 * scores.normal_consistency:.1f}")
    return table
