# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas and normals of triangles, in numpy.

Notation: a triangle (a, b, c) has the normal n = (b - a) x (c - a), of length twice its area, which
points to where the corners are seen counter-clockwise.
It must not know files, cameras or fields.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray


def area_vectors(
    positions: Float[NDArray[Any], "V 3"], triangles: Int[NDArray[Any], "F 3"]
) -> Float[NDArray[Any], "F 3"]:
    """Normals as long as the triangles' areas, square metres, float64."""
    a, b, c = (positions[triangles[:, corner]].astype(np.float64) for corner in range(3))
    return np.asarray(np.cross(b - a, c - a) / 2.0)


def areas(
    positions: Float[NDArray[Any], "V 3"], triangles: Int[NDArray[Any], "F 3"]
) -> Float[NDArray[Any], " F"]:
    """Square metres, float64."""
    return np.asarray(np.linalg.norm(area_vectors(positions, triangles), axis=-1))


def vertex_normals(
    positions: Float[NDArray[Any], "V 3"], triangles: Int[NDArray[Any], "F 3"]
) -> Float[NDArray[Any], "V 3"]:
    """Unit normals, float32: the sum of the triangles about a vertex, weighted by area."""
    vectors = area_vectors(positions, triangles)
    total = np.empty(positions.shape)
    for axis in range(3):
        weights = np.repeat(vectors[:, axis], 3)
        total[:, axis] = np.bincount(triangles.ravel(), weights, minlength=len(positions))
    return unit(total).astype(np.float32)


def unit(vectors: Float[NDArray[Any], "*n 3"]) -> Float[NDArray[Any], "*n 3"]:
    """Vectors of length 1; those of length 0 stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.where(length == 0.0, 1.0, length))
