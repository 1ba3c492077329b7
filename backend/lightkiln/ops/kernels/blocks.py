# SPDX-License-Identifier: GPL-3.0-or-later
"""A brick with its surroundings, in numba: what stencils need that reach across bricks.

Every brick copies itself and two layers of its neighbours into a block of 12³ and works there, so
no two threads write to one place. Missing points are NaN. It must not know what a stencil is for.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import POINTS, Number

EDGE = 12
"""A brick and two points on either side."""
ONE, HALF = np.float32(1.0), np.float32(0.5)


@njit(cache=True)
def gather(values: NDArray[Any], near: NDArray[Any], block: NDArray[Any]) -> None:
    """Fill `block` (12, 12, 12) around a brick whose 27 slots are `near`; NaN where missing."""
    for a in range(EDGE):
        i, p = (a + 6) & 7, (a + 6) >> 3
        for b in range(EDGE):
            j, q = (b + 6) & 7, (b + 6) >> 3
            for c in range(EDGE):
                k, r = (c + 6) & 7, (c + 6) >> 3
                slot = near[9 * p + 3 * q + r]
                block[a, b, c] = np.nan
                if slot >= 0:
                    block[a, b, c] = values[slot * POINTS + 64 * i + 8 * j + k]


@njit(cache=True)
def one_sided(low: Number, here: Number, high: Number) -> Number:
    """Return the central difference, or the one-sided one where a neighbour is missing."""
    if math.isnan(low):
        return np.float32(0.0) if math.isnan(high) else high - here
    return here - low if math.isnan(high) else HALF * (high - low)


@njit(cache=True, parallel=True)
def normals(distance: NDArray[Any], near: NDArray[Any], out: NDArray[Any]) -> None:
    """Write grad f / |grad f| of every stored point into `out` (points, 3); 0 where it vanishes."""
    for slot in prange(near.shape[0]):
        block = np.empty((EDGE, EDGE, EDGE), np.float32)
        gather(distance, near[slot], block)
        for inside in range(POINTS):
            p = slot * POINTS + inside
            a, b, c = (inside >> 6) + 2, ((inside >> 3) & 7) + 2, (inside & 7) + 2
            x = one_sided(block[a - 1, b, c], block[a, b, c], block[a + 1, b, c])
            y = one_sided(block[a, b - 1, c], block[a, b, c], block[a, b + 1, c])
            z = one_sided(block[a, b, c - 1], block[a, b, c], block[a, b, c + 1])
            size = max(math.sqrt(x * x + y * y + z * z), 1e-6)  # on a medial axis: no direction
            out[p, 0], out[p, 1], out[p, 2] = x / size, y / size, z / size
