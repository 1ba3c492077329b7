# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of rays near a surface whose signed distance stands on a lattice, in numba.

A ray x(t) = o + t d is sampled at t_m = near + (m + jitter) step, t_m < far, wherever the distance
f(x) is below `band`; farther away it strides on by half of what it is away. It ends where less than
`DARK` of the light is left, reckoned between neighbouring samples as in `ops.volume_rendering`. Its
twin is `dense_march_torch`, which looks everywhere: the two agree where f changes by no more than 2
in a unit. It must not know rows or colours.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Number
from .dense_grid_numba import log_outside, value_at
from .occupancy_march import Spans

DARK = 1e-3
LOG_DARK = np.float32(math.log(DARK))
HALF = np.float32(0.5)


@njit(cache=True)
def walk(
    distance: NDArray[Any],
    spans: Spans,
    ray: int,
    pace: tuple[Number, Number, Number],
    t_out: NDArray[Any],
) -> int:
    """Count the samples of a ray; write as many of their t as `t_out` has room for.

    `pace`: step, sharpness, band.
    """
    step, sharpness, band = pace
    o, d = spans.origins[ray], spans.directions[ray]
    start, count, m, last = spans.near[ray] + spans.jitter[ray] * step, 0, 0, -2
    before = light = np.float32(0.0)
    while light > LOG_DARK:
        t = start + np.float32(m) * step
        if not t < spans.far[ray]:
            break
        f = value_at(distance, o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2])
        if f >= band:
            m += max(1, int(HALF * (f - band) / step))
            continue
        if count < t_out.shape[0]:
            t_out[count] = t
        outside = log_outside(f, sharpness)
        if last == m - 1:
            light += min(outside - before, np.float32(0.0))
        before, last = outside, m
        count, m = count + 1, m + 1
    return count


@njit(cache=True, parallel=True)
def count_samples(
    distance: NDArray[Any], spans: Spans, pace: tuple[Number, Number, Number], counts: NDArray[Any]
) -> None:
    """Write the number of samples of each ray into `counts` (rays,)."""
    for ray in prange(counts.shape[0]):
        counts[ray] = walk(distance, spans, ray, pace, np.empty(0, np.float32))


@njit(cache=True, parallel=True)
def place_samples(
    distance: NDArray[Any],
    spans: Spans,
    pace: tuple[Number, Number, Number],
    starts: NDArray[Any],
    t: NDArray[Any],
) -> None:
    """Write all samples into `t`; those of a ray stand at starts[ray] ... starts[ray + 1] - 1."""
    for ray in prange(starts.shape[0] - 1):
        walk(distance, spans, ray, pace, t[starts[ray] : starts[ray + 1]])
