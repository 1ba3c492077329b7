# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that are known to lie on the surface, in numba (Geo-NeuS, arXiv:2205.15848, eq. 7).

    L = sum_k c_k (sqrt(f(P_k)² + e²) - e),   dL/df(P_k) = c_k f / sqrt(f² + e²)

with confidences c_k. Points off the band have no part. It must not know where points come from.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Field, Gradients, Number
from .march import locate

SOFTNESS = np.float32(0.25)
"""e, voxels: within it a feature's place is not known, and the pull fades."""


@njit(cache=True)
def pull_point(
    field: Field,
    x: NDArray[Any],
    weight: Number,
    points: NDArray[Any],
    shares: NDArray[Any],
    into: NDArray[Any],
) -> None:
    """Add one point's gradient to `into` (points,)."""
    for axis in range(3):
        if not 0.0 <= x[axis] < field.table.shape[axis] * 8 - 1:
            return
    if not locate(field.table, x[0], x[1], x[2], points, shares):
        return
    f = np.float32(0.0)
    for corner in range(8):
        f += shares[corner] * field.distance[points[corner]]
    if math.isnan(f):
        return
    slope = weight * f / math.sqrt(f * f + SOFTNESS * SOFTNESS)
    for corner in range(8):
        into[points[corner]] += slope * shares[corner]


@njit(cache=True, parallel=True)
def pull(field: Field, places: NDArray[Any], weights: NDArray[Any], gradients: Gradients) -> None:
    """Add the gradient of the points' loss; `places` (n, 3) lattice units, `weights` (n,)."""
    total, chunks = len(places), gradients.distance.shape[0]
    for chunk in prange(chunks):
        points, shares = np.empty(8, np.int64), np.empty(8, np.float32)
        for n in range(chunk * total // chunks, (chunk + 1) * total // chunks):
            pull_point(field, places[n], weights[n], points, shares, gradients.distance[chunk])
