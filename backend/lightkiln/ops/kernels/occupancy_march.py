# SPDX-License-Identifier: GPL-3.0-or-later
"""Samples of rays in the cells that may hold something, in numba; its twin is `occupancy_torch`.

A ray x(t) = o + t d is sampled at t_m = near + (m + jitter) step, t_m < far, wherever the cell
that holds x(t_m) is occupied; a free cell is left in one stride (Amanatides & Woo 1987). Cells
divide the cube [-1, 1]³. Samples of all rays stand in one list, ray by ray.
It must not know what is sampled.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Number

SLACK = 1e-3
"""Steps: a stride ends so much early, against rounding; the sample there is looked at anyway."""
FLAT = 1e-9
"""A direction's component below which the ray runs along the axis' faces."""


class Spans(NamedTuple):
    """Rays and the part of each that is looked at; float32."""

    origins: NDArray[Any]
    """(rays, 3)"""
    directions: NDArray[Any]
    """(rays, 3)"""
    near: NDArray[Any]
    """(rays,)"""
    far: NDArray[Any]
    """(rays,); at most `near` where the ray misses."""
    jitter: NDArray[Any]
    """(rays,) in [0, 1)."""


@njit(cache=True)
def cell_of(x: Number, side: int) -> Number:
    """Return the index of the cell at x along one axis; beyond the cube the nearest."""
    return min(max(math.floor((x + 1.0) * 0.5 * side), 0), side - 1)


@njit(cache=True)
def way_out(x: Number, d: Number, cell: int, side: int) -> Number:
    """Return how far it is along the ray to the face through which it leaves the cell."""
    if abs(d) < FLAT:
        return np.inf
    face = 2.0 * (cell + 1 if d > 0.0 else cell) / side - 1.0
    return max((face - x) / d, 0.0)


@njit(cache=True)
def walk(cells: NDArray[Any], spans: Spans, ray: int, step: float, t_out: NDArray[Any]) -> int:
    """Count the samples of a ray; write as many of their t as `t_out` has room for."""
    side, count, m = cells.shape[0], 0, 0
    o, d = spans.origins[ray], spans.directions[ray]
    start = spans.near[ray] + spans.jitter[ray] * step
    t = start
    while t < spans.far[ray]:
        x, y, z = o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2]
        i, j, k = cell_of(x, side), cell_of(y, side), cell_of(z, side)
        m += 1
        if cells[i, j, k]:
            if count < t_out.shape[0]:
                t_out[count] = t
            count += 1
        else:
            out = min(way_out(x, d[0], i, side), way_out(y, d[1], j, side))
            out = min(out, way_out(z, d[2], k, side), spans.far[ray] - t)
            m = max(m, int((t + out - start) / step - SLACK) + 1)
        t = start + m * step
    return count


@njit(cache=True, parallel=True)
def count_samples(cells: NDArray[Any], spans: Spans, step: float, counts: NDArray[Any]) -> None:
    """Write the number of samples of each ray into `counts` (rays,)."""
    for ray in prange(counts.shape[0]):
        counts[ray] = walk(cells, spans, ray, step, np.empty(0, np.float32))


@njit(cache=True, parallel=True)
def place_samples(
    cells: NDArray[Any], spans: Spans, step: float, starts: NDArray[Any], t: NDArray[Any]
) -> None:
    """Write all samples into `t`; those of a ray stand at starts[ray] ... starts[ray + 1] - 1."""
    for ray in prange(starts.shape[0] - 1):
        walk(cells, spans, ray, step, t[starts[ray] : starts[ray + 1]])
