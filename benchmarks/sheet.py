# SPDX-License-Identifier: GPL-3.0-or-later
"""The meshes from a fixed view beside the photograph and the truth, as one picture.

It must not know how the meshes were made.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
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
VIEW, VIEWS = 33, {"plain": 18}
"""The view that a scene is shown from; those that need another one."""
SHARP_ANGLE = 0.6
"""Radians; the truth has creases, and shows them."""

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
        photo = read_source(scenes / name).photos[VIEWS.get(name.removesuffix("-open"), VIEW)]
        camera = scaled(photo.camera, CELL, CELL)
        meshes = [work / f"{name}.{column}.glb" for column in columns]
        cells = [np.asarray(Image.open(photo.image).convert("RGBA").resize((CELL, CELL)))]
        cells += [_clay(_truth(scenes / name / TRUTH), camera)]
        cells += [_clay(_made(mesh), camera) for mesh in meshes]
        for column, (head, cell) in enumerate(zip(heads, cells, strict=True)):
            tile = Image.fromarray(cell)
            sheet.paste(tile, (column * CELL, top + HEAD), tile)
            label = head.replace(".", " ") if column else f"{name}: {head}"
            pen.text((column * CELL + 8, top + 4), label, fill=INK)
    sheet.save(path, quality=88)


def _clay(mesh: TriangleMesh | None, camera: Camera) -> Pixels:
    if mesh is None:
        return np.zeros((camera.height, camera.width, 4), dtype=np.uint8)
    return shade(mesh, camera, clay=True, samples=3)


def _made(path: Path) -> TriangleMesh | None:
    mesh = load_mesh(path) if path.exists() else None
    return mesh if isinstance(mesh, TriangleMesh) else None


def _truth(path: Path) -> TriangleMesh:
    """The true mesh, its vertices split along creases."""
    split = trimesh.graph.smooth_shade(trimesh.load_mesh(path), angle=SHARP_ANGLE)
    return TriangleMesh(
        positions=np.asarray(split.vertices, dtype=np.float32),
        triangles=np.asarray(split.faces, dtype=np.int32),
    )
