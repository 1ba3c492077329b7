# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of small pictures of meshes, points and photographs, with their names, as one JPEG.

It must not know how anything was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.mesh.rasterize import shade
from lightkiln.mesh.turntable import camera_around
from lightkiln_shared.camera import project
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image, ImageDraw

CELL, NAME = 112, 74
PAPER, INK = (240, 240, 240), (50, 50, 56)
RADIUS, AZIMUTH, ELEVATION = 1.3, 0.8, 0.35
FINER = 4
MOST_BYTES, QUALITIES = 150_000, (88, 82, 76, 70)

Cell = Image.Image


def shaded(mesh: TriangleMesh, azimuth: float = AZIMUTH, radius: float = RADIUS) -> Cell:
    """A mesh of the cube from the right and above; in clay, if it has no colours."""
    camera = camera_around(np.zeros(3), radius, azimuth, ELEVATION, CELL)
    return on_paper(Image.fromarray(shade(mesh, camera, lit=True, clay=mesh.colors is None)))


def dots(points: NDArray[Any]) -> Cell:
    """Points (n, 3) from the same side, the nearer ones darker."""
    camera = camera_around(np.zeros(3), RADIUS, AZIMUTH, ELEVATION, FINER * CELL)
    pixels, depth = project(camera, points.astype(float))
    shade_of = np.interp(depth, (depth.min(), depth.max()), (40, 190)).astype(int)
    image = Image.new("RGB", (FINER * CELL,) * 2, PAPER)
    pen = ImageDraw.Draw(image)
    for index in np.argsort(-depth):
        x, y = pixels[index]
        pen.ellipse((x - 3, y - 3, x + 3, y + 3), fill=(int(shade_of[index]),) * 3)
    return image.resize((CELL, CELL), Image.Resampling.LANCZOS)


def picture_cell(picture: NDArray[Any]) -> Cell:
    """A photograph (H, W, 4) as it is."""
    small = Image.fromarray(picture)
    small.thumbnail((CELL, CELL))
    cell = Image.new("RGBA", (CELL, CELL))
    cell.paste(small, ((CELL - small.width) // 2, (CELL - small.height) // 2))
    return on_paper(cell)


def write(rows: Sequence[tuple[str, Sequence[Cell]]], path: Path, halves: int = 1) -> None:
    """Rows with their names, in one or two columns of rows."""
    high = -(-len(rows) // halves)
    size = rows[0][1][0].width
    wide = NAME + size * max(len(cells) for _, cells in rows)
    sheet = Image.new("RGB", (halves * wide, high * size), PAPER)
    pen = ImageDraw.Draw(sheet)
    for index, (name, cells) in enumerate(rows):
        left, top = index // high * wide, index % high * size
        pen.text((left + 6, top + size // 2), name, fill=INK)
        for column, cell in enumerate(cells):
            sheet.paste(cell, (left + NAME + column * size, top))
    for quality in QUALITIES:
        sheet.save(path, quality=quality, optimize=True)
        if path.stat().st_size < MOST_BYTES:
            return


def on_paper(image: Image.Image) -> Cell:
    """What is transparent shows paper."""
    paper = Image.new("RGBA", image.size, (*PAPER, 255))
    paper.alpha_composite(image)
    return paper.convert("RGB")
