# SPDX-License-Identifier: GPL-3.0-or-later
"""`dense_grid.read` in numba, and what flows back from it.

With place (p, q, r) in its cell and, on one axis, the shares of four points in a row

    V = (0, 1 - p, p, 0)          of a value
    D = (-(1 - p), -p, 1 - p, p) / (2 h)      of a central difference

f = V V V f, g_x = D V V f, g_y = V D V f, g_z = V V D f: 32 points near, and no array of slopes.
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
BLOCK = 512
ZERO, ONE, HALF = np.float32(0.0), np.float32(1.0), np.float32(0.5)


@njit(cache=True, fastmath=FAST)
def cell(x: Number, side: int) -> tuple[int, Number]:
    """Return the cell on one axis, and the place in it, in [0, 1]."""
    u = min(max((x + ONE) * HALF * np.float32(side - 1), ZERO), np.float32(side - 1))
    low = min(int(u), side - 2)
    return low, u - np.float32(low)


@njit(cache=True, fastmath=FAST)
def weigh(
    x: NDArray[Any], side: int, at: NDArray[Any], value: NDArray[Any], slope: NDArray[Any]
) -> None:
    """Note of a place: the four points on each axis (3, 4), V (3, 4) and D (3, 4)."""
    scale = HALF * HALF * np.float32(side - 1)
    for axis in range(3):
        low, p = cell(x[axis], side)
        for m in range(4):
            at[axis, m] = min(max(low + m - 1, 0), side - 1)
        value[axis, 1], value[axis, 2] = ONE - p, p
        slope[axis, 0], slope[axis, 1] = (p - ONE) * scale, -p * scale
        slope[axis, 2], slope[axis, 3] = (ONE - p) * scale, p * scale


@njit(cache=True, fastmath=FAST, parallel=True)
def read(
    f: NDArray[Any], albedo: NDArray[Any], x: NDArray[Any], slopes: bool, out: NDArray[Any]
) -> None:
    """Write f, a and, with `slopes`, g of places `x` (n, 3) into `out` (n, 4 or 7)."""
    side = f.shape[0]
    for block in prange((x.shape[0] + BLOCK - 1) // BLOCK):
        at = np.zeros((3, 4), np.int64)
        v, d = np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32)
        for n in range(block * BLOCK, min((block + 1) * BLOCK, x.shape[0])):
            weigh(x[n], side, at, v, d)
            read_values(f, albedo, at, v, out[n])
            if slopes:
                out[n, 4], out[n, 5], out[n, 6] = read_slopes(f, at, v, d)


@njit(cache=True, fastmath=FAST)
def read_values(
    f: NDArray[Any], albedo: NDArray[Any], at: NDArray[Any], v: NDArray[Any], out: NDArray[Any]
) -> None:
    """Write f and a of a place into the first four of `out`."""
    distance = red = green = blue = ZERO
    for a in range(1, 3):
        for b in range(1, 3):
            for c in range(1, 3):
                share = v[0, a] * v[1, b] * v[2, c]
                i, j, k = at[0, a], at[1, b], at[2, c]
                distance += share * f[i, j, k]
                red += share * albedo[i, j, k, 0]
                green += share * albedo[i, j, k, 1]
                blue += share * albedo[i, j, k, 2]
    out[0], out[1], out[2], out[3] = distance, red, green, blue


@njit(cache=True, fastmath=FAST)
def read_slopes(
    f: NDArray[Any], at: NDArray[Any], v: NDArray[Any], d: NDArray[Any]
) -> tuple[Number, Number, Number]:
    """Return g of a place."""
    x = y = z = ZERO
    for m in range(4):
        for p in range(1, 3):
            for q in range(1, 3):
                x += d[0, m] * v[1, p] * v[2, q] * f[at[0, m], at[1, p], at[2, q]]
                y += d[1, m] * v[0, p] * v[2, q] * f[at[0, p], at[1, m], at[2, q]]
                z += d[2, m] * v[0, p] * v[1, q] * f[at[0, p], at[1, q], at[2, m]]
    return x, y, z


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


@njit(cache=True, parallel=True)
def spread(
    x: NDArray[Any], g: NDArray[Any], workers: int, of_f: NDArray[Any], of_albedo: NDArray[Any]
) -> None:
    """Add what `g` (n, 4 or 7) at places `x` (n, 3) gives to f and a to the last two."""
    side = of_f.shape[0]
    bounds = slabs(x, side, workers)
    for slab in prange(workers):
        first, behind = bounds[slab], bounds[slab + 1]
        at = np.zeros((3, 4), np.int64)
        v, d = np.zeros((3, 4), np.float32), np.zeros((3, 4), np.float32)
        for n in range(x.shape[0]):
            low = cell(x[n, 0], side)[0]
            if low + 2 < first or low - 1 >= behind:
                continue
            weigh(x[n], side, at, v, d)
            for m in range(4):
                if first <= at[0, m] < behind:
                    spread_values(g[n], at, v, m, of_f, of_albedo)
                    if g.shape[1] == 7:
                        spread_slopes(g[n], at, v, d, m, of_f)


@njit(cache=True, fastmath=FAST)
def spread_values(
    g: NDArray[Any],
    at: NDArray[Any],
    v: NDArray[Any],
    m: int,
    of_f: NDArray[Any],
    of_albedo: NDArray[Any],
) -> None:
    """Add what one place gives by f and a, to the plane of its m-th point."""
    i = at[0, m]
    if not 1 <= m <= 2:
        return
    for b in range(1, 3):
        for c in range(1, 3):
            share = v[0, m] * v[1, b] * v[2, c]
            j, k = at[1, b], at[2, c]
            of_f[i, j, k] += share * g[0]
            of_albedo[i, j, k, 0] += share * g[1]
            of_albedo[i, j, k, 1] += share * g[2]
            of_albedo[i, j, k, 2] += share * g[3]


@njit(cache=True, fastmath=FAST)
def spread_slopes(
    g: NDArray[Any],
    at: NDArray[Any],
    v: NDArray[Any],
    d: NDArray[Any],
    m: int,
    of_f: NDArray[Any],
) -> None:
    """Add what one place gives by g, to the plane of its m-th point."""
    i = at[0, m]
    for p in range(1, 3):
        for q in range(1, 3):
            of_f[i, at[1, p], at[2, q]] += g[4] * d[0, m] * v[1, p] * v[2, q]
    if not 1 <= m <= 2:
        return
    for b in range(4):
        for q in range(1, 3):
            of_f[i, at[1, b], at[2, q]] += g[5] * v[0, m] * d[1, b] * v[2, q]
            of_f[i, at[1, q], at[2, b]] += g[6] * v[0, m] * v[1, q] * d[2, b]


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
    return min(y, ZERO) - np.float32(math.log1p(math.exp(-abs(y))))
