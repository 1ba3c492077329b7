# SPDX-License-Identifier: GPL-3.0-or-later
"""`dense_grid` in numba, for rows of `ROW` numbers: what it reads, and what flows back.

Each plane of lattice points is written by one thread alone, in the order of the places, so results
do not depend on how many threads there are. It must not know torch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Number

FAST = {"contract", "reassoc"}
ROW = 8
"""Numbers of a row, a constant: one vector of the processor, and 32 bytes of the cache's 64."""
BLOCK = 512
ONE = np.float32(1.0)


@njit(cache=True, fastmath=FAST)
def cell(x: Number, side: int) -> tuple[int, Number]:
    """Return the cell on one axis, and the place in it, in [0, 1]."""
    scale = np.float32(0.5) * np.float32(side - 1)
    u = min(max((x + ONE) * scale, np.float32(0.0)), np.float32(side - 1))
    low = min(int(u), side - 2)
    return low, u - np.float32(low)


@njit(cache=True, fastmath=FAST, parallel=True)
def gather(rows: NDArray[Any], x: NDArray[Any], side: int, out: NDArray[Any]) -> None:
    """Write y (n, 8) of places `x` (n, 3) into `out`."""
    up, over = side, side * side
    for block in prange((x.shape[0] + BLOCK - 1) // BLOCK):
        for n in range(block * BLOCK, min((block + 1) * BLOCK, x.shape[0])):
            i, a = cell(x[n, 0], side)
            j, b = cell(x[n, 1], side)
            k, c = cell(x[n, 2], side)
            p = (i * side + j) * side + k
            w00, w01, w10, w11 = (ONE - a) * (ONE - b), (ONE - a) * b, a * (ONE - b), a * b
            for f in range(ROW):
                low = w00 * rows[p, f] + w01 * rows[p + up, f]
                low += w10 * rows[p + over, f] + w11 * rows[p + over + up, f]
                high = w00 * rows[p + 1, f] + w01 * rows[p + up + 1, f]
                high += w10 * rows[p + over + 1, f] + w11 * rows[p + over + up + 1, f]
                out[n, f] = low + c * (high - low)


@njit(cache=True)
def slabs(x: NDArray[Any], side: int, count: int) -> NDArray[Any]:
    """Return the first planes of `count` slabs that hold about as many places each, and `side`."""
    of_plane = np.zeros(side, np.int64)
    for n in range(x.shape[0]):
        of_plane[cell(x[n, 0], side)[0]] += 1
    bounds, seen, slab = np.full(count + 1, side, np.int64), 0, 1
    bounds[0] = 0
    for plane in range(side):
        seen += of_plane[plane]
        while slab < count and seen * count >= slab * x.shape[0]:
            bounds[slab] = plane + 1
            slab += 1
    return bounds


@njit(cache=True, fastmath=FAST)
def add_plane(
    p: int, b: Number, c: Number, share: Number, side: int, g: NDArray[Any], out: NDArray[Any]
) -> None:
    """Add what one place gives to the four corners in one plane, the lowest of which is row p."""
    w00, w01 = share * (ONE - b) * (ONE - c), share * (ONE - b) * c
    w10, w11 = share * b * (ONE - c), share * b * c
    for f in range(ROW):
        out[p, f] += w00 * g[f]
    for f in range(ROW):
        out[p + 1, f] += w01 * g[f]
    for f in range(ROW):
        out[p + side, f] += w10 * g[f]
    for f in range(ROW):
        out[p + side + 1, f] += w11 * g[f]


@njit(cache=True, parallel=True)
def scatter(x: NDArray[Any], g: NDArray[Any], side: int, workers: int, out: NDArray[Any]) -> None:
    """Add dR (points, 8) from `g` (n, 8) at places `x` (n, 3) to `out`."""
    bounds = slabs(x, side, workers)
    for slab in prange(workers):
        first, behind = bounds[slab], bounds[slab + 1]
        for n in range(x.shape[0]):
            i, a = cell(x[n, 0], side)
            if i + 1 < first or i >= behind:
                continue
            j, b = cell(x[n, 1], side)
            k, c = cell(x[n, 2], side)
            p = (i * side + j) * side + k
            if i >= first:
                add_plane(p, b, c, ONE - a, side, g[n], out)
            if i + 1 < behind:
                add_plane(p + side * side, b, c, a, side, g[n], out)


@njit(cache=True, fastmath=FAST)
def value_at(values: NDArray[Any], x: Number, y: Number, z: Number) -> Number:
    """Return one number of a lattice (n, n, n) at a place."""
    side = values.shape[0]
    i, a = cell(x, side)
    j, b = cell(y, side)
    k, c = cell(z, side)
    low = (ONE - b) * values[i, j, k] + b * values[i, j + 1, k]
    high = (ONE - b) * values[i, j, k + 1] + b * values[i, j + 1, k + 1]
    near = low + c * (high - low)
    low = (ONE - b) * values[i + 1, j, k] + b * values[i + 1, j + 1, k]
    high = (ONE - b) * values[i + 1, j, k + 1] + b * values[i + 1, j + 1, k + 1]
    return near + a * (low + c * (high - low) - near)


@njit(cache=True)
def log_outside(f: Number, sharpness: Number) -> Number:
    """Return log Phi(f), Phi(f) = 1 / (1 + exp(-s f))."""
    y = sharpness * f
    return min(y, np.float32(0.0)) - np.float32(math.log1p(math.exp(-abs(y))))
