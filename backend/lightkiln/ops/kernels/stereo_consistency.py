# SPDX-License-Identifier: GPL-3.0-or-later
"""Do other depth maps see a surface where this one does? (numba)

Notation: planes (w, a, b) as in `stereo_patch`, per pixel of the map. A pixel's point x is seen by
another camera at index u and depth z; that map's plane there says depth 1 / (w + a du + b dv). Both
agree if the depths differ by less than a tolerance in metres and the normals by less than an angle.
It must not know scores.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


class Map(NamedTuple):
    """A depth map and its camera, as the kernels want them."""

    planes: NDArray[Any]
    """(H, W, 3) float32."""
    confidence: NDArray[Any]
    """(H, W) float32; 0: unknown."""
    index_from_world: NDArray[Any]
    """(3, 4) float64, homogeneous; the last row gives the depth."""
    world_from_index: NDArray[Any]
    """(3, 3) float64: array indices (c, r, 1) to world vectors of depth 1."""
    centre: NDArray[Any]
    """(3,) float64, metres."""


@njit(cache=True, parallel=True, error_model="numpy")
def count_agreeing(
    here: Map, there: Map, tolerance: float, least_cosine: float, counts: NDArray[Any]
) -> None:
    """Add 1 to `counts` (H, W) int16 wherever the other map agrees.

    `tolerance` is in pixels of this map: metres at the point's own depth.
    """
    height, width = counts.shape
    for r in prange(height):
        for c in range(width):
            if here.confidence[r, c] > 0.0:
                w = here.planes[r, c, 0]
                index = np.array([c, r, 1.0])
                x = here.centre + (here.world_from_index @ index) / w
                reach = tolerance * np.sqrt((here.world_from_index[:, 0] ** 2).sum()) / w
                if _agrees(there, x, reach, normal(here, r, c), least_cosine):
                    counts[r, c] += 1


@njit(cache=True, error_model="numpy")
def _agrees(
    there: Map, x: NDArray[Any], reach: float, n: NDArray[Any], least_cosine: float
) -> bool:
    p = there.index_from_world
    seen = np.empty(3)
    for axis in range(3):
        seen[axis] = (p[axis, :3] * x).sum() + p[axis, 3]
    if seen[2] <= 0.0:
        return False
    u, v = seen[0] / seen[2], seen[1] / seen[2]
    c, r = int(np.rint(u)), int(np.rint(v))
    if not (0 <= r < there.confidence.shape[0] and 0 <= c < there.confidence.shape[1]):
        return False
    if there.confidence[r, c] <= 0.0:
        return False
    plane = there.planes[r, c]
    w = plane[0] + plane[1] * (u - c) + plane[2] * (v - r)
    if w <= 0.0 or abs(1.0 / w - seen[2]) > reach:
        return False
    return bool((n * normal(there, r, c)).sum() > least_cosine)


@njit(cache=True, error_model="numpy")
def normal(of: Map, r: int, c: int) -> NDArray[Any]:
    """The unit normal (3,) of a pixel's plane, world axes, towards the camera.

    All points x of the plane have 1 = g . (x - centre), with g a combination of the rows that give
    homogeneous indices: 1/z = w + a (u - c) + b (v - r).
    """
    w, a, b = of.planes[r, c, 0], of.planes[r, c, 1], of.planes[r, c, 2]
    p = of.index_from_world
    g = a * p[0, :3] + b * p[1, :3] + (w - a * c - b * r) * p[2, :3]
    return np.asarray(-g / np.sqrt((g * g).sum()))
