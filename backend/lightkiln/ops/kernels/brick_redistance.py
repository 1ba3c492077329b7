# SPDX-License-Identifier: GPL-3.0-or-later
"""Making distances true again from their zero set outwards, brick by brick, in numba.

Solves |grad f| = 1 by Godunov's upwind scheme (doi:10.1090/S0025-5718-04-01678-3), all points at
once: after k rounds it is right k voxels away. NaN stands for unknown and is filled with the sign
of what it is filled from. It must not know why distances went wrong.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import POINTS, Number
from .blocks import EDGE, HALF, ONE, gather

UNKNOWN = np.float32(1e6)
"""Size of a distance that is not known yet, voxels."""


@njit(cache=True)
def crossing(f: Number, a: Number, b: Number) -> Number:
    """Return the distance to the zero set along one axis with neighbours a, b; UNKNOWN if none."""
    best = UNKNOWN
    if f * a < 0.0:
        best = min(best, f / (f - a))
    if f * b < 0.0:
        best = min(best, f / (f - b))
    return best


@njit(cache=True)
def frozen(block: NDArray[Any], a: int, b: int, c: int) -> Number:
    """Return |f| of a point beside the zero set from its crossings; UNKNOWN of any other.

    The crossings on the axes span a plane: 1 / d² = sum of 1 / d_axis².
    """
    f = block[a, b, c]
    x = crossing(f, block[a - 1, b, c], block[a + 1, b, c])
    y = crossing(f, block[a, b - 1, c], block[a, b + 1, c])
    z = crossing(f, block[a, b, c - 1], block[a, b, c + 1])
    nearest = min(x, min(y, z))
    if nearest >= UNKNOWN or nearest < 1e-6:  # on the surface itself the sum would overflow
        return nearest
    return ONE / math.sqrt(ONE / (x * x) + ONE / (y * y) + ONE / (z * z))


@njit(cache=True)
def smaller(a: Number, b: Number) -> Number:
    """Return the value of smaller size; NaN counts as unknown."""
    if math.isnan(a):
        return UNKNOWN if math.isnan(b) else b
    return a if math.isnan(b) or abs(a) < abs(b) else b


@njit(cache=True)
def upwind(x: Number, y: Number, z: Number) -> Number:
    """Solve (d - x)²+ + (d - y)²+ + (d - z)²+ = 1 for d; the sizes x, y, z are not negative."""
    low, high = min(x, min(y, z)), max(x, max(y, z))
    middle = x + y + z - low - high
    d = low + ONE
    if d > middle:
        d = HALF * (low + middle + math.sqrt(max(2.0 - (low - middle) ** 2, 0.0)))
    if d > high:
        total = low + middle + high
        rest = low * low + middle * middle + high * high - ONE
        d = (total + math.sqrt(max(total * total - 3.0 * rest, 0.0))) / np.float32(3.0)
    return d


@njit(cache=True)
def relaxed(block: NDArray[Any], a: int, b: int, c: int) -> Number:
    """Return the upwind distance of one point, with the sign it has, or its nearest neighbour's."""
    x = smaller(block[a - 1, b, c], block[a + 1, b, c])
    y = smaller(block[a, b - 1, c], block[a, b + 1, c])
    z = smaller(block[a, b, c - 1], block[a, b, c + 1])
    nearest, own = smaller(x, smaller(y, z)), block[a, b, c]
    if abs(nearest) >= UNKNOWN:
        return own
    size = upwind(abs(x), abs(y), abs(z))
    sign = nearest if math.isnan(own) else own
    return math.copysign(size, sign)


@njit(cache=True, parallel=True)
def relax(
    distance: NDArray[Any], fixed: NDArray[Any], near: NDArray[Any], out: NDArray[Any]
) -> None:
    """Write one round of re-distancing into `out`; points of `fixed` (points,) keep their value."""
    for slot in prange(near.shape[0]):
        block = np.empty((EDGE, EDGE, EDGE), np.float32)
        gather(distance, near[slot], block)
        for inside in range(POINTS):
            p = slot * POINTS + inside
            a, b, c = (inside >> 6) + 2, ((inside >> 3) & 7) + 2, (inside & 7) + 2
            out[p] = distance[p] if fixed[p] else relaxed(block, a, b, c)


@njit(cache=True, parallel=True)
def freeze(
    distance: NDArray[Any], near: NDArray[Any], out: NDArray[Any], fixed: NDArray[Any]
) -> None:
    """Write the distances beside the zero set into `out`, `fixed`; elsewhere sign times UNKNOWN.

    Where the value itself is unknown (NaN) the sign is left open: NaN.
    """
    for slot in prange(near.shape[0]):
        block = np.empty((EDGE, EDGE, EDGE), np.float32)
        gather(distance, near[slot], block)
        for inside in range(POINTS):
            p = slot * POINTS + inside
            size = frozen(block, (inside >> 6) + 2, ((inside >> 3) & 7) + 2, (inside & 7) + 2)
            fixed[p] = size < UNKNOWN
            out[p] = math.copysign(size, distance[p])
            if math.isnan(distance[p]):
                out[p] = np.nan
