# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between neighbouring lattice points across bricks, in numba: regularisers, re-distancing.

Every brick copies itself and two layers of its neighbours into a block of 12³ and works there, so no
two threads write to one place. Missing points are NaN, and a formula that meets one has no part.

With central differences g = (f_{+} - f_{-}) / 2 on each axis and the Laplacian D f = sum of the six
neighbours - 6 f, in voxels, a weight per stored point, and sums over points of the band:

    eikonal    E = (|g| - 1)²,       dE/df = -div(2 (|g| - 1) g / |g|)      arXiv:2002.10099
    curvature  C = (D f)²,           dC/df = 2 D(D f)
    anchor     A = c (f - f_0)²,     dA/df = 2 c (f - f_0)                  c: stereo's confidence

Re-distancing solves |grad f| = 1 outwards from the zero set by Godunov's upwind scheme
(doi:10.1090/S0025-5718-04-01678-3), all bricks at once: after k rounds it is right k voxels away.
It must not know rays.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import POINTS

EDGE = 12
"""A brick and two points on either side."""
ONE, HALF = np.float32(1.0), np.float32(0.5)
UNKNOWN = np.float32(1e6)
"""Size of a distance that is not known yet, voxels."""


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
def tension(block: NDArray[Any], a: int, b: int, c: int) -> tuple[float, float, float]:
    """Return 2 (|g| - 1) g / |g| at one point of the block, 0 where a neighbour is missing."""
    x = HALF * (block[a + 1, b, c] - block[a - 1, b, c])
    y = HALF * (block[a, b + 1, c] - block[a, b - 1, c])
    z = HALF * (block[a, b, c + 1] - block[a, b, c - 1])
    size = math.sqrt(x * x + y * y + z * z)
    if not size > 1e-4:  # NaN, or a medial axis, where no direction is right
        return np.float32(0.0), np.float32(0.0), np.float32(0.0)
    scale = np.float32(2.0) * (ONE - ONE / np.float32(size))
    return scale * x, scale * y, scale * z


@njit(cache=True)
def laplacian(block: NDArray[Any], a: int, b: int, c: int) -> float:
    """Return D f at one point of the block, 0 where a neighbour is missing."""
    total = (
        block[a + 1, b, c]
        + block[a - 1, b, c]
        + block[a, b + 1, c]
        + block[a, b - 1, c]
        + block[a, b, c + 1]
        + block[a, b, c - 1]
        - np.float32(6.0) * block[a, b, c]
    )
    return np.float32(0.0) if math.isnan(total) else total


@njit(cache=True)
def eikonal_slopes(block: NDArray[Any], work: NDArray[Any], slope: NDArray[Any]) -> None:
    """Add dE/df to `slope` (8, 8, 8); `work` (3, 12, 12, 12) is overwritten."""
    for a in range(1, EDGE - 1):
        for b in range(1, EDGE - 1):
            for c in range(1, EDGE - 1):
                work[0, a, b, c], work[1, a, b, c], work[2, a, b, c] = tension(block, a, b, c)
    for a in range(8):
        for b in range(8):
            for c in range(8):
                i, j, k = a + 2, b + 2, c + 2
                slope[a, b, c] += HALF * (
                    work[0, i - 1, j, k]
                    - work[0, i + 1, j, k]
                    + work[1, i, j - 1, k]
                    - work[1, i, j + 1, k]
                    + work[2, i, j, k - 1]
                    - work[2, i, j, k + 1]
                )


@njit(cache=True)
def curvature_slopes(
    block: NDArray[Any], work: NDArray[Any], weight: float, slope: NDArray[Any]
) -> None:
    """Add weight dC/df to `slope` (8, 8, 8); `work` (3, 12, 12, 12) is overwritten."""
    for a in range(1, EDGE - 1):
        for b in range(1, EDGE - 1):
            for c in range(1, EDGE - 1):
                work[0, a, b, c] = laplacian(block, a, b, c)
    for a in range(8):
        for b in range(8):
            for c in range(8):
                slope[a, b, c] += np.float32(2.0) * weight * laplacian(work[0], a + 2, b + 2, c + 2)


@njit(cache=True, parallel=True)
def regularise(
    distance: NDArray[Any],
    near: NDArray[Any],
    anchor: NDArray[Any],
    trust: NDArray[Any],
    weights: tuple[float, float, float],
    gradient: NDArray[Any],
) -> None:
    """Add the weighted gradients of E, C and A to `gradient` (points,).

    `near` (slots, 27) are the neighbours' slots; `anchor` and `trust` (points,) are f_0 and c;
    `weights` are those of eikonal, curvature and anchor.
    """
    for slot in prange(near.shape[0]):
        block = np.empty((EDGE, EDGE, EDGE), np.float32)
        work = np.empty((3, EDGE, EDGE, EDGE), np.float32)
        slope = np.zeros((8, 8, 8), np.float32)
        gather(distance, near[slot], block)
        eikonal_slopes(block, work, slope)
        slope *= np.float32(weights[0])
        curvature_slopes(block, work, np.float32(weights[1]), slope)
        flat = slope.reshape(-1)
        for inside in range(POINTS):
            p = slot * POINTS + inside
            pull = np.float32(2.0 * weights[2]) * trust[p] * (distance[p] - anchor[p])
            gradient[p] += flat[inside] + pull


@njit(cache=True)
def crossing(f: float, a: float, b: float) -> float:
    """Return the distance to the zero set along one axis with neighbours a, b; UNKNOWN if none."""
    best = UNKNOWN
    if f * a < 0.0:
        best = min(best, f / (f - a))
    if f * b < 0.0:
        best = min(best, f / (f - b))
    return best


@njit(cache=True)
def frozen(block: NDArray[Any], a: int, b: int, c: int) -> float:
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
def smaller(a: float, b: float) -> float:
    """Return the value of smaller size; NaN counts as unknown."""
    if math.isnan(a):
        return UNKNOWN if math.isnan(b) else b
    return a if math.isnan(b) or abs(a) < abs(b) else b


@njit(cache=True)
def upwind(x: float, y: float, z: float) -> float:
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
def relaxed(block: NDArray[Any], a: int, b: int, c: int) -> float:
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
    """Write the distances beside the zero set into `out` and mark them; elsewhere sign times UNKNOWN.

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


@njit(cache=True)
def one_sided(low: float, here: float, high: float) -> float:
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
