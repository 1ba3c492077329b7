# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the bytes of previews into arrays that Blender may be given, or refuses them. No bpy.

This runs in the client's thread, so that the main thread finds everything converted and checked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import ply
from .edges import Edges, edges_of, without_collapsed
from .shared.camera import Camera
from .shared.errors import MalformedMessage
from .shared.geometry import TriangleMesh
from .shared.messages import PreviewImage, PreviewMesh

MAX_TRIANGLES = 200_000
_VERTEX_BYTES, _TRIANGLE_BYTES = 3 * 4 + 4, 3 * 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """The backend's image from a point of view."""

    camera: Camera
    """What it was rendered for."""
    pixels: NDArray[Any]
    """(H, W, 4) uint8, sRGB, straight alpha, top row first."""
    texels: NDArray[Any]
    """The same as float32 in [0, 1], as textures are filled."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CoarseMesh:
    """The backend's mesh so far, with all that Blender would have to find out about it."""

    mesh: TriangleMesh
    edges: Edges


def picture(message: PreviewImage, body: bytes) -> Picture:
    """The image of a preview; raises `MalformedMessage`."""
    _expect(message.width > 0 and message.height > 0, message.kind)
    _expect(len(body) == message.width * message.height * 4, message.kind)
    pixels = np.frombuffer(body, np.uint8).reshape(message.height, message.width, 4)
    texels = pixels.astype(np.float32)
    texels /= 255.0
    return Picture(camera=message.camera, pixels=pixels, texels=texels)


def coarse_mesh(message: PreviewMesh, body: bytes) -> CoarseMesh:
    """The mesh of a preview, colours made linear; raises `MalformedMessage`."""
    v, f = message.num_vertices, message.num_triangles
    _expect(v > 0 and 0 < f <= MAX_TRIANGLES, message.kind)
    _expect(len(body) == v * _VERTEX_BYTES + f * _TRIANGLE_BYTES, message.kind)
    mesh = TriangleMesh(
        positions=np.frombuffer(body, "<f4", v * 3).reshape(v, 3),
        triangles=np.frombuffer(body, "<i4", f * 3, v * _VERTEX_BYTES).reshape(f, 3),
        colors=ply.linear_from_srgb(
            np.frombuffer(body, np.uint8, v * 4, v * 12).reshape(v, 4)[:, :3]
        ),
    )
    ply.check(mesh)
    kept = replace(mesh, triangles=without_collapsed(mesh.triangles))
    ply.check(kept)
    return CoarseMesh(mesh=kept, edges=edges_of(kept.triangles))


def _expect(holds: bool, kind: str) -> None:
    if not holds:
        raise MalformedMessage(f"{kind}: its size is not what it says")
