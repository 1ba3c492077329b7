# SPDX-License-Identifier: GPL-3.0-or-later
"""How often a closed surface goes around the points of a lattice, in numba.

Along each column of points parallel to z the surface is crossed from outside to inside where a
triangle is met from its back, and the other way from its front: the sum of the signs of all
crossings below a point is its winding number, 1 inside and 0 outside of a closed mesh.
It must not know what the surface is.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from numba import njit
from numpy.typing import NDArray

ASIDE = 1.2345e-5
"""Of a step: columns are moved aside by so much, so that none meets a vertex or an edge exactly."""


def winding(
    positions: Float[NDArray[Any], "V 3"], triangles: Int[NDArray[Any], "F 3"], side: int
) -> Int[NDArray[Any], "side side side"]:
    """Of points (i, j, k); `positions` are in lattice steps from point (0, 0, 0)."""
    crossed = np.zeros((side, side, side + 1), dtype=np.int32)
    _cross(np.ascontiguousarray(positions, dtype=np.float64), triangles, side, crossed)
    return np.cumsum(crossed[..., :side], axis=-1, dtype=np.int32)


@njit(cache=True)
def _cross(
    positions: NDArray[Any], triangles: NDArray[Any], side: int, crossed: NDArray[Any]
) -> None:
    """Add the sign of each crossing to the first point above it."""
    for f in range(triangles.shape[0]):
        a, b, c = positions[triangles[f, 0]], positions[triangles[f, 1]], positions[triangles[f, 2]]
        area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if area == 0.0:  # seen edge on: no column crosses it
            continue
        low_x, high_x = min(a[0], b[0], c[0]), max(a[0], b[0], c[0])
        low_y, high_y = min(a[1], b[1], c[1]), max(a[1], b[1], c[1])
        for i in range(max(0, math.floor(low_x)), min(side, math.ceil(high_x) + 1)):
            for j in range(max(0, math.floor(low_y)), min(side, math.ceil(high_y) + 1)):
                x, y = i + ASIDE, j + 1.7 * ASIDE
                u = ((b[0] - x) * (c[1] - y) - (b[1] - y) * (c[0] - x)) / area
                v = ((c[0] - x) * (a[1] - y) - (c[1] - y) * (a[0] - x)) / area
                if u < 0.0 or v < 0.0 or u + v > 1.0:
                    continue
                z = u * a[2] + v * b[2] + (1.0 - u - v) * c[2]
                k = min(max(math.ceil(z), 0), side)
                crossed[i, j, k] += 1 if area < 0.0 else -1
