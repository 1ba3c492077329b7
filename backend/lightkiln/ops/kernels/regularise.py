# SPDX-License-Identifier: GPL-3.0-or-later
"""What distances should be like, apart from what photographs say, in numba.

With central differences g = (f_{+} - f_{-}) / 2 on each axis and the Laplacian D f = sum of the six
neighbours - 6 f, in voxels, and sums over the stored points:

    eikonal    E = (|g| - 1)²,       dE/df = -div(2 (|g| - 1) g / |g|)      arXiv:2002.10099
    curvature  C = (D f)²,           dC/df = 2 D(D f)
    anchor     A = c (f - f_0)²,     dA/df = 2 c (f - f_0)                  c: stereo's confidence

A formula that meets a missing point has no part. It must not know rays.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import POINTS, Number
from .blocks import EDGE, HALF, ONE, gather


class Priors(NamedTuple):
    """What the distances should be like, apart from what the photographs say."""

    anchor: NDArray[Any]
    """(points,) f_0."""
    trust: NDArray[Any]
    """(points,) c."""
    weights: NDArray[Any]
    """(3,) float32: of eikonal, curvature and anchor."""


@njit(cache=True)
def tension(block: NDArray[Any], a: int, b: int, c: int) -> tuple[Number, Number, Number]:
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
def laplacian(block: NDArray[Any], a: int, b: int, c: int) -> Number:
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
    block: NDArray[Any], work: NDArray[Any], weight: Number, slope: NDArray[Any]
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


@njit(cache=True)
def eikonal_error(block: NDArray[Any], error: NDArray[Any]) -> None:
    """Add E and 1 to `error` (2,) for each point of the brick beside the zero set."""
    for a in range(2, EDGE - 2):
        for b in range(2, EDGE - 2):
            for c in range(2, EDGE - 2):
                if abs(block[a, b, c]) < ONE:
                    x, y, z = tension(block, a, b, c)
                    error[0] += np.float32(0.25) * (x * x + y * y + z * z)
                    error[1] += ONE


@njit(cache=True)
def add_slopes(
    slot: int, distance: NDArray[Any], priors: Priors, slope: NDArray[Any], gradient: NDArray[Any]
) -> None:
    """Add a brick's slopes (8, 8, 8) and its anchor's to `gradient` (points,)."""
    flat = slope.reshape(-1)
    for inside in range(POINTS):
        p = slot * POINTS + inside
        pull = priors.trust[p] * (distance[p] - priors.anchor[p])
        gradient[p] += flat[inside] + np.float32(2.0) * priors.weights[2] * pull


@njit(cache=True, parallel=True)
def regularise(
    distance: NDArray[Any],
    near: NDArray[Any],
    priors: Priors,
    gradient: NDArray[Any],
    errors: NDArray[Any],
) -> None:
    """Add the weighted gradients of E, C and A to `gradient` (points,).

    `near` (slots, 27) are the neighbours' slots; `errors` (slots, 2) gets the sum of E beside the
    zero set and the number of points there.
    """
    for slot in prange(near.shape[0]):
        block = np.empty((EDGE, EDGE, EDGE), np.float32)
        work = np.empty((3, EDGE, EDGE, EDGE), np.float32)
        slope = np.zeros((8, 8, 8), np.float32)
        gather(distance, near[slot], block)
        eikonal_slopes(block, work, slope)
        slope *= priors.weights[0]
        eikonal_error(block, errors[slot])
        curvature_slopes(block, work, priors.weights[1], slope)
        add_slopes(slot, distance, priors, slope, gradient)
