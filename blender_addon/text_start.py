# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh to begin from: an object's shape and colours in the frame of the region that it fills.

A result remembers its region in its own axes, so it can be moved, turned and scaled, and is begun
from as it was made. Any other mesh fills the ball around it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bpy.types import Mesh, Object
from numpy.typing import NDArray

from . import mesh_arrays
from .shared.geometry import TriangleMesh
from .shared.scene import Region, RegionShape

REGION = "lightkiln_region"
"""Property of a result: object_from_region, row by row."""
MAX_TRIANGLES = 200_000
"""More would hold the viewport up, and be lost in the lattice."""
SMALLEST = 1e-9


def problem(thing: Object | None) -> str:
    """Why it cannot be begun from: a sentence, or nothing."""
    if thing is None or thing.type != "MESH":
        return "Make the mesh to begin from the active object."
    if not thing.data.polygons:
        return f"{thing.name} has no faces to begin from."
    corners = len(thing.data.loops)
    if corners - 2 * len(thing.data.polygons) > MAX_TRIANGLES:
        return f"{thing.name} has more than {MAX_TRIANGLES:,} triangles: decimate it first."
    return ""


def of(thing: Object) -> tuple[TriangleMesh, Region]:
    """The mesh in its region's frame, and the region in the world."""
    if thing.mode == "EDIT":
        thing.update_from_editmode()
    positions = mesh_arrays.positions(thing.data)
    object_from_region = _remembered(thing)
    if object_from_region is None:
        object_from_region = _around(positions)
    region_from_object = np.linalg.inv(object_from_region)
    local = positions @ region_from_object[:3, :3].T + region_from_object[:3, 3]
    mesh = TriangleMesh(
        positions=local.astype(np.float32),
        triangles=mesh_arrays.triangles(thing.data),
        colors=_colors(thing.data),
    )
    return mesh, region_of(thing, object_from_region)


def region_of(thing: Object, object_from_region: NDArray[Any] | None = None) -> Region:
    """The region that an object fills, in the world."""
    if object_from_region is None:
        object_from_region = _remembered(thing)
    if object_from_region is None:
        object_from_region = _around(mesh_arrays.positions(thing.data))
    world_from_object = np.array(thing.matrix_world, dtype=np.float64)
    placed = world_from_object @ object_from_region
    return Region(shape=RegionShape.BOX, world_from_region=placed)


def remember(thing: Object, region: Region) -> None:
    """Note on an object which region it fills."""
    object_from_world = np.linalg.inv(np.array(thing.matrix_world, dtype=np.float64))
    thing[REGION] = (object_from_world @ region.world_from_region).reshape(-1).tolist()


def _remembered(thing: Object) -> NDArray[Any] | None:
    values = thing.get(REGION)
    if values is None or len(values) != 16:
        return None
    matrix = np.array(values, dtype=np.float64).reshape(4, 4)
    is_usable = np.isfinite(matrix).all() and abs(np.linalg.det(matrix)) > SMALLEST**3
    return matrix if is_usable else None


def _around(positions: NDArray[Any]) -> NDArray[Any]:
    """(4, 4): where the unit ball comes to lie to hold all points."""
    centre = 0.5 * (positions.min(axis=0) + positions.max(axis=0))
    radius = np.linalg.norm(positions - centre, axis=1).max()
    matrix = np.diag([max(radius, SMALLEST)] * 3 + [1.0])
    matrix[:3, 3] = centre
    return matrix


def _colors(mesh: Mesh) -> NDArray[Any] | None:
    """(V, 3) linear, if the mesh has colours of vertices."""
    attribute = mesh.color_attributes.active_color
    if attribute is None or attribute.domain != "POINT":
        return None
    return mesh_arrays.array(attribute.data, "color").reshape(-1, 4)[:, :3]
