# SPDX-License-Identifier: GPL-3.0-or-later
"""The edges of triangles, as Blender wants them: each once, and for each corner the one it begins.

Blender can find them itself, on the main thread; found here, they cost the viewport nothing.
It must not know bpy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """All edges of a mesh."""

    vertices: NDArray[Any]
    """(E, 2) int32, the lower vertex first."""
    of_corners: NDArray[Any]
    """(3 F,) int32: the edge from each corner of a triangle to its next."""


def edges_of(triangles: NDArray[Any]) -> Edges:
    """The edges of triangles (F, 3) int32 whose three corners differ."""
    ends = np.stack([triangles, np.roll(triangles, -1, axis=1)]).reshape(2, -1).astype(np.int64)
    keys = ends.min(axis=0) << 32 | ends.max(axis=0)
    found, of_corners = np.unique(keys, return_inverse=True)
    vertices = np.stack([found >> 32, found & 0xFFFFFFFF], axis=-1)
    return Edges(vertices.astype(np.int32), of_corners.reshape(-1).astype(np.int32))


def are_whole(triangles: NDArray[Any]) -> NDArray[Any]:
    """Which of the triangles (F, 3) have three vertices as corners: (F,) bool."""
    a, b, c = triangles.T
    return np.asarray((a != b) & (b != c) & (c != a))


def without_collapsed(triangles: NDArray[Any]) -> NDArray[Any]:
    """The triangles (F, 3) whose corners are three vertices."""
    return triangles[are_whole(triangles)]
