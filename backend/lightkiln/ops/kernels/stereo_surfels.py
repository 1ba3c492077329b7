# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps as patches of surface in the world: do they agree, and what do they vote? (numba)

Notation: a pixel's surfel is its point x, its unit normal n towards the camera and an offset d, so
that n . y + d is how far a point y lies in front of the surfel's plane: the distance to the plane,
not along the ray, so slanted surfaces are not thickened (Curless and Levoy, "A volumetric method
for building complex models from range images", 1996, with point-to-plane distances). Beyond the
truncation in front of a surfel a point is free; beyond it behind, it is hidden and nothing more is
known. It must not know where surfels come from or where the lattice lies.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

CHUNK = 1 << 14
"""Points that go through a map together: so many that the map stays in the cache."""
FREE_WEIGHT = np.float32(0.25)
"""A view that looks through a point says less of it than one that sees a surface near it."""


class Surfels(NamedTuple):
    """A depth map's surfels."""

    index_from_world: NDArray[Any]
    """(3, 4) float32: to homogeneous array indices of the map; the last row gives the depth."""
    points: NDArray[Any]
    """(H, W, 3) float32: x, metres."""
    planes: NDArray[Any]
    """(H, W, 4) float32: n and d."""
    weights: NDArray[Any]
    """(H, W) float32: confidence times the cosine under which the camera sees the surfel; 0:
    none."""
    pixel: NDArray[Any]
    """(H, W) float32: the size of a pixel at x, metres."""


@njit(cache=True, parallel=True, error_model="numpy")
def count_agreeing(
    here: Surfels, there: Surfels, tolerance: float, least_cosine: float, counts: NDArray[Any]
) -> None:
    """Add 1 to `counts` (H, W) int16 wherever the other map sees the same surface.

    The other map's surfel there lies within `tolerance` pixels of this map, its normal within the
    angle of `least_cosine`.
    """
    height, width = there.weights.shape
    p, planes = there.index_from_world, here.planes
    for r in prange(counts.shape[0]):
        for c in range(counts.shape[1]):
            if here.weights[r, c] <= 0.0:
                continue
            x, y, z = here.points[r, c, 0], here.points[r, c, 1], here.points[r, c, 2]
            depth = p[2, 0] * x + p[2, 1] * y + p[2, 2] * z + p[2, 3]
            u = np.rint((p[0, 0] * x + p[0, 1] * y + p[0, 2] * z + p[0, 3]) / depth)
            v = np.rint((p[1, 0] * x + p[1, 1] * y + p[1, 2] * z + p[1, 3]) / depth)
            if depth > 0.0 and 0.0 <= u < width and 0.0 <= v < height:
                i, j = int(u), int(v)
                a, b, e = there.planes[j, i, 0], there.planes[j, i, 1], there.planes[j, i, 2]
                away = abs(a * x + b * y + e * z + there.planes[j, i, 3])
                cosine = a * planes[r, c, 0] + b * planes[r, c, 1] + e * planes[r, c, 2]
                near = away < tolerance * here.pixel[r, c] and cosine > least_cosine
                if near and there.weights[j, i] > 0.0:
                    counts[r, c] += 1


@njit(cache=True, parallel=True, error_model="numpy")
def vote(
    of: Surfels, points: NDArray[Any], truncation: float, sums: NDArray[Any], votes: NDArray[Any]
) -> None:
    """Enter one depth map.

    `points` (N, 3) float32, world; `sums` (N, 2) float32 gathers weight * distance and weight;
    `votes` (N, 3) int16 counts views that see a point in front of a surface (free), behind one
    (hidden), and at all.
    """
    height, width = of.weights.shape
    p, planes, limit = of.index_from_world, of.planes, np.float32(truncation)
    for chunk in prange((len(points) + CHUNK - 1) // CHUNK):
        for n in range(chunk * CHUNK, min((chunk + 1) * CHUNK, len(points))):
            x, y, z = points[n, 0], points[n, 1], points[n, 2]
            depth = p[2, 0] * x + p[2, 1] * y + p[2, 2] * z + p[2, 3]
            u = np.rint((p[0, 0] * x + p[0, 1] * y + p[0, 2] * z + p[0, 3]) / depth)
            v = np.rint((p[1, 0] * x + p[1, 1] * y + p[1, 2] * z + p[1, 3]) / depth)
            if not (depth > 0.0 and 0.0 <= u < width and 0.0 <= v < height):
                continue
            c, r = int(u), int(v)
            votes[n, 2] += 1
            weight = of.weights[r, c]
            if weight > 0.0:
                distance = (
                    planes[r, c, 0] * x
                    + planes[r, c, 1] * y
                    + planes[r, c, 2] * z
                    + planes[r, c, 3]
                )
                _enter(distance, weight, limit, sums, votes, n)


@njit(cache=True, error_model="numpy", inline="always")
def _enter(
    distance: float,
    weight: float,
    truncation: Any,
    sums: NDArray[Any],
    votes: NDArray[Any],
    n: int,
) -> None:
    """One view's opinion of one point."""
    if distance < -truncation:
        votes[n, 1] += 1
    elif distance > truncation:
        votes[n, 0] += 1
        sums[n, 0] += FREE_WEIGHT * weight * truncation
        sums[n, 1] += FREE_WEIGHT * weight
    else:
        # What lies behind a surface is the less sure the deeper.
        share = weight * min(np.float32(1.0), np.float32(1.0) + distance / truncation)
        sums[n, 0] += share * distance
        sums[n, 1] += share
