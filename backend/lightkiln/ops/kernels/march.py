# SPDX-License-Identifier: GPL-3.0-or-later
"""Walking along a ray through the bricks, in numba: where to sample and what lies there.

Notation: a sample stands at x = o + t d, lattice units; f(x) is interpolated trilinearly from the
cell's eight points. Where a brick or one of the eight points is missing there is no sample, and
the walk goes on behind it. Steps grow with |f|, for far from the surface opacity changes slowly:

    step(f) = clip(|f| / 2, 0.5, 2) voxels

The walk ends when less than `DARK` of the light is left. It must not know colours or losses.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .arrays import Field, Number

MAX_SAMPLES = 192
"""On one ray; the band of a surface takes some 15, so a dozen surfaces fit."""
DARK = np.float32(1e-3)
"""Transmittance below which nothing behind can be seen in 8 bits."""
FAR = np.float32(80.0)
FLAT = np.float32(1e-9)
"""A direction's component below which the ray runs along the axis' faces."""
MIN_STEP, MAX_STEP = np.float32(0.5), np.float32(2.0)
NUDGE = np.float32(1e-3)
"""Voxels behind a brick's face at which the next brick is looked up, against rounding."""
HALF = np.float32(0.5)
ONE = np.float32(1.0)
BRICK_EDGE = np.float32(8.0)


@njit(cache=True)
def sigmoid(x: Number) -> Number:
    """Return 1 / (1 + exp(-x)), never 0: float32's exponent reaches far enough for |x| <= 80."""
    return ONE / (ONE + np.float32(math.exp(-min(max(x, -FAR), FAR))))


@njit(cache=True)
def mix(a: Number, b: Number, share: Number) -> Number:
    """Interpolate linearly."""
    return a + share * (b - a)


@njit(cache=True)
def point_at(table: NDArray[Any], i: int, j: int, k: int) -> Number:
    """Return the index of lattice point (i, j, k), -1 if it is not stored."""
    if i >> 3 >= table.shape[0] or j >> 3 >= table.shape[1] or k >> 3 >= table.shape[2]:
        return -1
    slot = np.int64(table[i >> 3, j >> 3, k >> 3])
    return -1 if slot < 0 else (slot << 9) + ((i & 7) << 6) + ((j & 7) << 3) + (k & 7)


@njit(cache=True)
def corners(table: NDArray[Any], i: int, j: int, k: int, points: NDArray[Any]) -> bool:
    """Write the eight points of cell (i, j, k), z fastest; False if one is not stored."""
    first = point_at(table, i, j, k)
    if first < 0:
        return False
    inner = (i & 7) < 7 and (j & 7) < 7 and (k & 7) < 7
    for corner in range(8):
        x, y, z = corner >> 2, (corner >> 1) & 1, corner & 1
        if inner:
            points[corner] = first + (x << 6) + (y << 3) + z
        else:
            points[corner] = point_at(table, i + x, j + y, k + z)
            if points[corner] < 0:
                return False
    return True


@njit(cache=True)
def locate(
    table: NDArray[Any], x: Number, y: Number, z: Number, points: NDArray[Any], shares: NDArray[Any]
) -> bool:
    """Find the cell at (x, y, z): its points (8,) and their shares; False if it is not stored."""
    i, j, k = int(x), int(y), int(z)
    if not corners(table, i, j, k, points):
        return False
    u, v, w = x - np.float32(i), y - np.float32(j), z - np.float32(k)
    for corner in range(8):
        a = u if corner & 4 else ONE - u
        b = v if corner & 2 else ONE - v
        shares[corner] = a * b * (w if corner & 1 else ONE - w)
    return True


@njit(cache=True)
def span(table: NDArray[Any], o: NDArray[Any], d: NDArray[Any]) -> tuple[Number, Number]:
    """Return where the ray enters and leaves the lattice; enter >= leave if it misses."""
    enter, leave = np.float32(0.0), np.float32(1e9)
    for axis in range(3):
        last = np.float32(table.shape[axis] * 8 - 1)
        if abs(d[axis]) < FLAT:  # parallel to the face: inside or outside for good
            if o[axis] < 0.0 or o[axis] > last:
                return ONE, np.float32(0.0)
            continue
        a, b = -o[axis] / d[axis], (last - o[axis]) / d[axis]
        enter, leave = max(enter, min(a, b)), min(leave, max(a, b))
    return enter + NUDGE, leave - NUDGE


@njit(cache=True)
def brick_exit(x: Number, y: Number, z: Number, now: Number, d: NDArray[Any]) -> Number:
    """Return t just behind the brick that holds (x, y, z), a point at t = now."""
    a = face_after(x, d[0])
    b = face_after(y, d[1])
    c = face_after(z, d[2])
    return now + max(min(a, min(b, c)), np.float32(0.0)) + NUDGE


@njit(cache=True)
def face_after(x: Number, d: Number) -> Number:
    """Return how far it is to the next brick along one axis."""
    low = np.float32(int(x) & -8)
    if d > FLAT:
        return (low + BRICK_EDGE - x) / d
    if d < -FLAT:
        return (low - x) / d
    return np.float32(1e9)


@njit(cache=True)
def step_after(f: Number) -> Number:
    """Return the step that follows a sample of distance f, voxels."""
    return min(max(HALF * abs(f), MIN_STEP), MAX_STEP)


@njit(cache=True)
def distance_in(field: Field, x: Number, y: Number, z: Number) -> Number:
    """Return f at a point of the lattice (x, y, z), NaN if its cell is not stored."""
    i, j, k = int(x), int(y), int(z)
    if field.table[i >> 3, j >> 3, k >> 3] < 0:
        return np.float32(np.nan)
    u, v, w = x - np.float32(i), y - np.float32(j), z - np.float32(k)
    f = field.distance
    if (i & 7) < 7 and (j & 7) < 7 and (k & 7) < 7:
        p = point_at(field.table, i, j, k)
        near = mix(mix(f[p], f[p + 1], w), mix(f[p + 8], f[p + 9], w), v)
        far = mix(mix(f[p + 64], f[p + 65], w), mix(f[p + 72], f[p + 73], w), v)
        return mix(near, far, u)
    total = np.float32(0.0)
    for corner in range(8):
        p = point_at(field.table, i + (corner >> 2), j + ((corner >> 1) & 1), k + (corner & 1))
        if p < 0:
            return np.float32(np.nan)
        a = u if corner & 4 else ONE - u
        b = v if corner & 2 else ONE - v
        total += a * b * (w if corner & 1 else ONE - w) * f[p]
    return total


@njit(cache=True)
def march(
    field: Field, o: NDArray[Any], d: NDArray[Any], jitter: Number, t: NDArray[Any], f: NDArray[Any]
) -> int:
    """Write the samples' places into `t` and distances into `f`; return their number."""
    now, leave = span(field.table, o, d)
    now += jitter * MIN_STEP
    count, light, clear = 0, ONE, ONE
    while now < leave and count < MAX_SAMPLES:
        x, y, z = o[0] + now * d[0], o[1] + now * d[1], o[2] + now * d[2]
        slot = field.table[int(x) >> 3, int(y) >> 3, int(z) >> 3]
        if slot < 0:
            now = brick_exit(x, y, z, now, d)
            continue
        value = distance_in(field, x, y, z)
        if math.isnan(value):
            now += MIN_STEP
            continue
        t[count], f[count] = now, value
        before, clear = clear, sigmoid(np.float32(field.sharpness) * value)
        if count > 0 and clear < before:
            light *= clear / before
        count += 1
        if light < DARK:
            break
        now += step_after(value)
    return count
