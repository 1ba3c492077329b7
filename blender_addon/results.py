# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished job has left, fetched, checked and made ready for Blender. No bpy.

    result.ply   the finished surface, its vertices split along the texture's seams; else
    mesh.ply     the surface as the method made it
    basecolor.png normal.png   its images, which stay files: Blender decodes them when it draws
    frames.zip   pictures along a camera's way, perhaps without any surface: see `found_frames`

Seams are closed here: a vertex is one again and its places in the texture go to the corners, so the
mesh is solid, smooth across seams, and can be sculpted and remeshed. All of it is work of the
client's thread; the main thread only hands arrays over.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Set
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import found_frames, ply, said
from .connection import Connection
from .edges import Edges, are_whole, edges_of
from .found_frames import FoundFrames
from .said import Said
from .shared.errors import MalformedMessage
from .shared.geometry import TriangleMesh
from .shared.messages import ListArtifacts
from .transfers import fetch_artifact

SURFACE, RESULT = "mesh.ply", "result.ply"
IMAGES = ("basecolor.png", "normal.png")
MAX_SIDE = 8192
"""Texels along an image's edge."""
_PNG = struct.Struct(">8s4x4sIIBB")
"""Signature, `IHDR`, width, height, bits, kind of colour: how every PNG file begins."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """A mesh as Blender takes it, and the files of its images."""

    mesh: TriangleMesh
    edges: Edges
    uvs: NDArray[Any] | None = None
    """(3 F, 2) float32, of each triangle's corners; the origin is the lower left corner."""
    base_color: bytes | None = None
    """PNG, sRGB."""
    normal_map: bytes | None = None
    """PNG, tangent space, +Y up."""

    @property
    def is_textured(self) -> bool:
        """True if there is an image, and places in it."""
        return self.uvs is not None and self.base_color is not None


@dataclass(frozen=True, slots=True)
class Brought:
    """All that a job has left."""

    result: Result | None
    frames: FoundFrames | None
    said: Said | None = None
    """What was asked for, of a mesh that was made of words."""


async def fetch(connection: Connection, job_id: str, folder: Path, step: int) -> Brought:
    """Fetch a job's result and check it: every count, index and number.

    Pictures go into a folder; `step`: frames that each of them stands for, 0: none are wanted.
    """
    listing = await connection.request(ListArtifacts(job_id=job_id))
    names = {artifact.name for artifact in listing.artifacts}
    frames = None
    if step and found_frames.ARCHIVE in names:
        found = await found_frames.fetch(connection, job_id, folder, step)
        frames = found if found.num else None
    if frames is not None and names.isdisjoint((SURFACE, RESULT)):
        return Brought(None, frames)
    words = await said.fetch(connection, job_id) if said.ARTIFACT in names else None
    return Brought(await _fetch_result(connection, job_id, names), frames, words)


async def _fetch_result(connection: Connection, job_id: str, names: Set[str]) -> Result:
    name = RESULT if RESULT in names else SURFACE
    data = await fetch_artifact(connection, job_id, name, ply.check_size)
    images = [
        await fetch_artifact(connection, job_id, image) if image in names else None
        for image in IMAGES
    ]
    return await asyncio.to_thread(ready, data, *images)


def ready(data: bytes, base_color: bytes | None, normal_map: bytes | None) -> Result:
    """A result from the bytes of its files; raises `MalformedMessage`."""
    mesh, uvs = ply.read(data), ply.places(data)
    for image in (base_color, normal_map):
        if image is not None:
            _check_image(image)
    corners = None
    if uvs is not None:
        mesh, corners = _welded(mesh, uvs)
    return Result(
        mesh=mesh,
        edges=edges_of(mesh.triangles),
        uvs=corners,
        base_color=base_color,
        normal_map=normal_map,
    )


def _welded(mesh: TriangleMesh, uvs: NDArray[Any]) -> tuple[TriangleMesh, NDArray[Any]]:
    """The mesh with one vertex at a place, and the places of its corners in the texture."""
    order = np.lexsort(mesh.positions.T)
    sorted_positions = mesh.positions[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (sorted_positions[1:] != sorted_positions[:-1]).any(axis=1)
    vertex_of = np.empty(len(order), dtype=np.int32)
    vertex_of[order] = np.cumsum(is_new) - 1
    first = order[is_new]
    triangles = vertex_of[mesh.triangles]
    whole = are_whole(triangles)
    solid = replace(
        mesh,
        positions=mesh.positions[first],
        triangles=triangles[whole],
        colors=None if mesh.colors is None else mesh.colors[first],
        normals=None,
    )
    ply.check(solid)
    return solid, uvs[mesh.triangles[whole]].reshape(-1, 2)


def _check_image(data: bytes) -> None:
    wrong = len(data) < _PNG.size
    if not wrong:
        signature, header, width, height, bits, kind = _PNG.unpack_from(data)
        wrong = (signature, header, bits, kind) != (b"\x89PNG\r\n\x1a\n", b"IHDR", 8, 2)
        wrong = wrong or not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE)
    if wrong:
        raise MalformedMessage(
            "The backend's texture cannot be used.", hint="Retry the job, or update both."
        )
