# SPDX-License-Identifier: GPL-3.0-or-later
"""Silhouette cones meet (numba): the visual hull's function at points.

Notation: `indices_from_world` (V, 3, 4) maps a world point to homogeneous array indices and depth;
`edges`, one (H, W) a view, are the masks' signed distances in pixels, negative on the object. A
point at depth z sees the silhouette at about edge * z / focal metres, and the intersection of all
cones is the maximum over the views. It must not know how the masks came about.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

CHUNK = 1 << 14
"""Points that go through a view together: so many that the view's edges stay in the cache."""


def carve(
    edges: list[NDArray[Any]],
    indices_from_world: NDArray[Any],
    focals: NDArray[Any],
    points: NDArray[Any],
    num_ranks: int,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """What the views object to world points (N, 3) float32, and how many see each, (N,) int32.

    The objections (ranks, N) float32 are the `num_ranks` largest distances, metres, the largest
    first: rank 0 is the hull's function, rank k that of a hull in which k views may be wrong.
    """
    worst = np.full((len(points), num_ranks), -np.inf, dtype=np.float32)
    num_seen = np.zeros(len(points), dtype=np.int32)
    for edge, matrix, focal in zip(edges, indices_from_world, focals, strict=True):
        view = np.concatenate([matrix.ravel(), [1.0 / focal]]).astype(np.float32)
        object_to(worst, num_seen, edge, view, points)
    return worst.T, num_seen


@njit(cache=True, parallel=True, error_model="numpy")
def object_to(
    worst: NDArray[Any],
    num_seen: NDArray[Any],
    edge: NDArray[Any],
    view: NDArray[Any],
    points: NDArray[Any],
) -> None:
    """Let one view object to the points: keep the largest distances of each in `worst` (N, ranks).

    `view` (13,): the rows of its matrix and the inverse of its focal length.
    """
    last_column, last_row = np.float32(edge.shape[1] - 1), np.float32(edge.shape[0] - 1)
    for chunk in prange((len(points) + CHUNK - 1) // CHUNK):
        for n in range(chunk * CHUNK, min((chunk + 1) * CHUNK, len(points))):
            x, y, z = points[n, 0], points[n, 1], points[n, 2]
            depth = view[8] * x + view[9] * y + view[10] * z + view[11]
            u = (view[0] * x + view[1] * y + view[2] * z + view[3]) / depth
            v = (view[4] * x + view[5] * y + view[6] * z + view[7]) / depth
            if depth > 0.0 and 0.0 <= u < last_column and 0.0 <= v < last_row:
                value = _interpolate(edge, u, v) * depth * view[12]
                num_seen[n] += 1
                for rank in range(worst.shape[1]):
                    other = worst[n, rank]
                    worst[n, rank] = max(other, value)
                    value = min(other, value)


@njit(cache=True, error_model="numpy")
def _interpolate(image: NDArray[Any], u: float, v: float) -> float:
    """Bilinear value at column u, row v, inside the image."""
    i, j = np.int32(u), np.int32(v)
    s, t = u - np.float32(i), v - np.float32(j)
    top = image[j, i] + s * (image[j, i + 1] - image[j, i])
    bottom = image[j + 1, i] + s * (image[j + 1, i + 1] - image[j + 1, i])
    return float(top + t * (bottom - top))
