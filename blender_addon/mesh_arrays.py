# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender mesh as arrays. It must not know what for."""

from __future__ import annotations

from typing import Any

import numpy as np
from bpy.types import Mesh
from numpy.typing import NDArray

WIDTHS = {"vector": 3, "color": 4}


def positions(mesh: Mesh) -> NDArray[Any]:
    """(V, 3) float32, the mesh's own axes."""
    return array(mesh.attributes["position"].data, "vector").reshape(-1, 3)


def triangles(mesh: Mesh) -> NDArray[Any]:
    """(F, 3) int32: each polygon as a fan about its first corner.

    Blender's own triangles are better where polygons are hollow, and cost ten times as much.
    """
    corners = array(mesh.attributes[".corner_vert"].data, "value", np.int32)
    starts = array(mesh.polygons, "loop_start", np.int32)
    sizes = np.diff(starts, append=len(corners))
    first = np.repeat(starts, sizes - 2)
    place = np.arange(len(first)) - np.repeat(np.cumsum(sizes - 2) - (sizes - 2), sizes - 2)
    return corners[np.stack([first, first + place + 1, first + place + 2], axis=1)]


def array(items: Any, name: str, kind: Any = np.float32) -> NDArray[Any]:
    """A property of every item, flat."""
    width = WIDTHS.get(name, 1)
    values = np.empty(len(items) * width, dtype=kind)
    items.foreach_get(name, values)
    return values
