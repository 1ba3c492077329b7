# SPDX-License-Identifier: GPL-3.0-or-later
"""The meshes from a fixed view beside the photograph and the truth, as one picture.

It must not know how the meshes were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.capture.open_scene import read_source
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.rasterize import shade
from lightkiln_shared.camera import Camera, scaled
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from benchmarks.measure import TRUTH

CELL, HEAD = 220, 18
PAPER, INK = (250, 250, 248), (60, 60, 66)
VIEW = 33
"""The view that every scene is shown from."""

Pixels = NDArray[Any]


def draw_sheet(
    scenes: Path, names: Sequence[str], columns: Sequence[str], work: Path, path: Path
) -> None:
    """Draw rows of scenes and columns `METHOD.PRESET`, in clay; a missing mesh leaves a gap."""
    heads = ["photograph", "truth", *columns]
    sheet = Image.new("RGB", (CELL * len(heads), (CELL + HEAD) * len(names)), PAPER)
    pen = ImageDraw.Draw(sheet)
    for row, name in enumerate(names):
        top = row * (CELL + HEAD)
        photo = read_source(scenes / name).photos[VIEW]
        camera = scaled(photo.camera, CELL, CELL)
        meshes = [scenes / name / TRUTH, *(work / f"{name}.{column}.glb" for column in columns)]
        cells = [np.asarray(Image.open(photo.image).convert("RGBA").resize((CELL, CELL)))]
        cells += [_clay(mesh, camera) for mesh in meshes]
        for column, (head, cell) in enumerate(zip(heads, cells, strict=True)):
            tile = Image.fromarray(cell)
            sheet.paste(tile, (column * CELL, top + HEAD), tile)
            label = head.replace(".", " ") if column else f"{name}: {head}"
            pen.text((column * CELL + 8, top + 4), label, fill=INK)
    sheet.save(path, quality=88)


def _clay(path: Path, camera: Camera) -> Pixels:
    if not path.exists():
        return np.zeros((camera.height, camera.width, 4), dtype=np.uint8)
    mesh = load_mesh(path)
    assert isinstance(mesh, TriangleMesh)
    return shade(mesh, camera, clay=True, samples=3)
