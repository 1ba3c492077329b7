# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln convert SCENE -o OUT --to KIND`: any scene that can be opened, written for others.

It must not know formats.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from lightkiln.capture import bundle, straight
from lightkiln.capture.colmap import read_points
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.sfm.solved import SparsePoints
from lightkiln.capture.write_scene import (
    new_folder,
    place_files,
    write_colmap,
    write_transforms,
)
from lightkiln.jobs import atomic
from lightkiln.jobs.align import POINTS, points_ply


class Kind(StrEnum):
    COLMAP = "colmap"
    TRANSFORMS = "transforms"
    LIGHTKILN = "lightkiln"
    STRAIGHT = "straight"


def convert(
    scene: Annotated[Path, typer.Argument(help="Folder with cameras of any known kind.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    to: Annotated[Kind, typer.Option(help="What to write.")] = Kind.COLMAP,
) -> None:
    """Write a scene as a COLMAP model (sparse/0) or as transforms.json, with its images.

    `lightkiln` is what the Blender extension reads; its images stay where they are. `straight` are
    small pictures of the photographs whose lens distorts, without that.
    """
    views, files = open_scene(scene)
    with new_folder(output):
        points = bundle.read_points(scene) if bundle.is_bundle(scene) else read_points(scene)
        if to is Kind.LIGHTKILN:
            bundle.write(views, files, output)
            if points is not None:
                atomic.write(output / POINTS, *points_ply(_untracked(*points)))
        elif to is Kind.STRAIGHT:
            straight.write(views, files, output)
        elif to is Kind.COLMAP:
            names = place_files(views, files, output)
            write_colmap(views, names, output / "sparse" / "0", points)
        else:
            names = place_files(views, files, output)
            write_transforms(views, names, output / "transforms.json")
    Console(stderr=True).print(f"Wrote {output}.")


def _untracked(positions: NDArray[Any], colors: NDArray[Any]) -> SparsePoints:
    """Points of which nothing else is known."""
    nothing = np.zeros(len(positions), dtype=np.int32)
    return SparsePoints(positions=positions, colors=colors, errors=nothing, track_lengths=nothing)
