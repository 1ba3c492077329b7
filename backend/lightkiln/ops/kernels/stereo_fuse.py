# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps voted into a truncated signed distance (numba), and its smoothing.

Notation: a point x whose pixel has the plane g . (x - centre) = 1 lies (1 - g . (x - centre)) / |g|
in front of it: the distance to the plane, not along the ray, so slanted surfaces are not thickened
(Curless and Levoy, "A volumetric method for building complex models from range images", 1996, with
point-to-plane distances). Beyond the truncation in front a point is free, beyond it behind nothing
is known but that it is hidden. It must not know where the lattice lies or what a hull is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .stereo_consistency import Map

CHUNK = 1 << 14
"""Points that go through a map together: so many that the map stays in the cache."""
FREE_WEIGHT = np.float32(0.25)
"""A view that looks through a point says less of it than one that sees a surface near it."""


@njit(cache=True, parallel=True, error_model="numpy")
def vote(
    of: Map,
    points: NDArray[Any],
    truncation: float,
    sums: NDArray[Any],
    votes: NDArray[Any],
) -> None:
    """Enter one depth map.

    `points` (N, 3) float32, world; `sums` (2, N) float32 gathers weight * distance and weight;
    `votes` (3, N) int16 counts views that see a point in front of a surface (free), behind one
    (hidden), and at all.
    """
    for chunk in prange((len(points) + CHUNK - 1) // CHUNK):
        last = min((chunk + 1) * CHUNK, len(points))
        for n in range(chunk * CHUNK, last):
            _vote_point(of, points[n], truncation, sums[:, n], votes[:, n])


@njit(cache=True, error_model="numpy")
def _vote_point(
    of: Map, x: NDArray[Any], truncation: float, sums: NDArray[Any], votes: NDArray[Any]
) -> None:
    p = of.index_from_world
    depth = p[2, 0] * x[0] + p[2, 1] * x[1] + p[2, 2] * x[2] + p[2, 3]
    c = int(np.rint((p[0, 0] * x[0] + p[0, 1] * x[1] + p[0, 2] * x[2] + p[0, 3]) / depth))
    r = int(np.rint((p[1, 0] * x[0] + p[1, 1] * x[1] + p[1, 2] * x[2] + p[1, 3]) / depth))
    height, width = of.confidence.shape
    if depth <= 0.0 or not (0 <= r < height and 0 <= c < width):
        return
    votes[2] += 1
    confidence = of.confidence[r, c]
    if confidence <= 0.0:
        return
    distance, cosine = _to_plane(of, r, c, x)
    if distance < -truncation:
        votes[1] += 1
        return
    weight = confidence * cosine
    if distance > truncation:
        votes[0] += 1
        distance, weight = truncation, FREE_WEIGHT * confidence
    elif distance < 0.0:  # what lies behind a surface is the less sure the deeper
        weight *= 1.0 + distance / truncation
    sums[0] += weight * distance
    sums[1] += weight


@njit(cache=True, error_model="numpy")
def _to_plane(of: Map, r: int, c: int, x: NDArray[Any]) -> tuple[float, float]:
    """Metres in front of a pixel's plane, and the cosine under which the camera sees that plane."""
    p = of.index_from_world
    w, a, b = of.planes[r, c, 0], of.planes[r, c, 1], of.planes[r, c, 2]
    square, along, ray = 0.0, 0.0, 0.0
    for axis in range(3):
        g = a * p[0, axis] + b * p[1, axis] + (w - a * c - b * r) * p[2, axis]
        offset = x[axis] - of.centre[axis]
        square += g * g
        along += g * offset
        ray += offset * offset
    size = np.sqrt(square)
    return (1.0 - along) / size, abs(along) / (size * np.sqrt(ray))


@njit(cache=True, parallel=True, error_model="numpy")
def relax(
    values: NDArray[Any],
    targets: NDArray[Any],
    weights: NDArray[Any],
    stiffness: float,
    out: NDArray[Any],
) -> None:
    """One Jacobi step towards the minimum of Σ w (d - target)² + stiffness Σ (d - neighbour)².

    All (X, Y, Z) float32; the lattice's outermost points keep their values.
    """
    nx, ny, nz = values.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                if 0 < i < nx - 1 and 0 < j < ny - 1 and 0 < k < nz - 1:
                    around = (
                        values[i - 1, j, k]
                        + values[i + 1, j, k]
                        + values[i, j - 1, k]
                        + values[i, j + 1, k]
                        + values[i, j, k - 1]
                        + values[i, j, k + 1]
                    )
                    w = weights[i, j, k]
                    total = w * targets[i, j, k] + stiffness * around
                    out[i, j, k] = total / (w + 6.0 * stiffness)
                else:
                    out[i, j, k] = values[i, j, k]
