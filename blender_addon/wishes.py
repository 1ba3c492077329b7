# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person wants made of words, and the scene that says so to a backend. No bpy.

It must not know where the words were typed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from . import image_files
from .shared.checks import check_prompt
from .shared.errors import InvalidPrompt, InvalidScene
from .shared.geometry import TriangleMesh
from .shared.scene import FileRef, Photo, Prompt, Region, Scene
from .transfers import Source

ADVICE = "Choose a whole PNG, JPEG, TIFF or WebP, or leave the picture out."
_HEADER = """ply
format binary_little_endian 1.0
element vertex {vertices}
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face {triangles}
property list uchar int vertex_indices
end_header
"""
GREY = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Wish:
    """A prompt and what stands beside it."""

    text: str
    negative: str = ""
    image: Path | None = None
    start: TriangleMesh | None = None
    """A mesh to begin from, in the region's frame."""
    begun_from: str = ""
    """Name of the object that this was, in whose place the result comes."""


def scene_of(wish: Wish, region: Region | None) -> tuple[Scene, dict[str, Source]]:
    """The scene and its files by SHA-256; raises `InvalidPrompt` with what is wrong."""
    files: dict[str, Source] = {}
    photos: tuple[Photo, ...] = ()
    if wish.image is not None:
        photos = (Photo(image=_picture(wish.image, files)),)
    start = None
    if wish.start is not None:
        start = named(ply_of(wish.start), "start.ply", files)
    prompt = Prompt(text=wish.text, negative=wish.negative, start=start)
    scene = Scene(views=(), region=region, photos=photos, prompt=prompt)
    check_prompt(scene)
    return scene, files


def ply_of(mesh: TriangleMesh) -> bytes:
    """A mesh as binary PLY, its colours as sRGB bytes."""
    head = _HEADER.format(vertices=len(mesh.positions), triangles=len(mesh.triangles))
    vertex = np.dtype([("at", "<f4", 3), ("color", "u1", 3)])
    vertices = np.zeros(len(mesh.positions), dtype=vertex)
    vertices["at"] = mesh.positions
    colors = np.full_like(mesh.positions, GREY) if mesh.colors is None else mesh.colors
    vertices["color"] = np.rint(255.0 * _srgb(colors))
    faces = np.zeros(len(mesh.triangles), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, mesh.triangles
    return head.encode("ascii") + vertices.tobytes() + faces.tobytes()


def _picture(path: Path, files: dict[str, Source]) -> FileRef:
    try:
        data = image_files.read_file(path, path.name)
        image_files.size_of(data, path.name)
    except InvalidScene as error:
        raise InvalidPrompt(error.message, hint=ADVICE) from None
    return named(data, path.name, files)


def named(data: bytes, name: str, files: dict[str, Source]) -> FileRef:
    """A file of these bytes, put among the others."""
    sha256 = hashlib.sha256(data).hexdigest()
    files[sha256] = data
    return FileRef(sha256=sha256, size=len(data), name=name)


def _srgb(linear: np.ndarray) -> np.ndarray:
    """Linear values as sRGB ones in [0, 1] (IEC 61966-2-1)."""
    x = np.clip(linear, 0.0, 1.0)
    return np.where(x <= 0.0031308, 12.92 * x, 1.055 * x ** (1 / 2.4) - 0.055)
