# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln convert SCENE -o OUT --to KIND`: any scene that can be opened, written for others.

It must not know formats.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from lightkiln.capture.colmap import read_points
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.write_scene import (
    new_folder,
    place_files,
    write_colmap,
    write_transforms,
)


class Kind(StrEnum):
    COLMAP = "colmap"
    TRANSFORMS = "transforms"


def convert(
    scene: Annotated[Path, typer.Argument(help="Folder with cameras of any known kind.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The folder to make.")],
    to: Annotated[Kind, typer.Option(help="What to write.")] = Kind.COLMAP,
) -> None:
    """Write a scene as a COLMAP model (sparse/0) or as transforms.json, with its images."""
    views, files = open_scene(scene)
    with new_folder(output):
        names = place_files(views, files, output)
        if to is Kind.COLMAP:
            write_colmap(views, names, output / "sparse" / "0", read_points(scene))
        else:
            write_transforms(views, names, output / "transforms.json")
    Console(stderr=True).print(f"Wrote {output}.")
