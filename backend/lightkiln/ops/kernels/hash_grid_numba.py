# SPDX-License-Identifier: GPL-3.0-or-later
"""`hash_grid` in numba, with its first and second derivatives: three loops, each in two kinds.

Notation as there; on a level, the cell at x has corners c with rows r_c and shares w_c(x), which
are trilinear. For upstream gradients g and directions v:

    gather   e_f = sum_c w_c T[r_c, f]            or, along v,   sum_c (v · grad w_c) T[r_c, f]
    scatter  dT[r_c, f] = sum w_c g_f             or, along v,   sum (v · grad w_c) g_f
    pull     dx = sum_c (grad w_c) s_c            or, along v,   sum_c (grad grad w_c) v s_c

with s_c = sum_f g_f T[r_c, f]. The kinds along v are the derivatives of `pull`, which a loss on
normals needs. Levels are worked off one after the other, so that one level's rows stay in the
cache; a level's gradient is written by one thread alone, in the order of the points, so results do
not depend on which thread comes first.
It must not know torch.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Number
from .hash_grid import PRIMES, HashLevels

FAST = {"contract", "reassoc"}
BLOCK = 256
"""Points that a thread works off at a time: what it notes of them stays in its nearest cache."""
ONE = np.float32(1.0)
P2, P3 = np.uint32(PRIMES[1]), np.uint32(PRIMES[2])


class Notes(NamedTuple):
    """Of a block of points on one level; corners count z fastest."""

    cell: NDArray[Any]
    """(3, BLOCK) uint32: the cell's lowest corner."""
    inside: NDArray[Any]
    """(3, BLOCK): the place within the cell, in [0, 1]."""
    rows: NDArray[Any]
    """(8, BLOCK) uint32: r_c."""
    weights: NDArray[Any]
    """(8, BLOCK): w_c, or v · grad w_c."""


def level_array(levels: HashLevels) -> NDArray[Any]:
    """(levels, 3) uint32: cells along a side, the first row, the number of rows."""
    starts = np.array(levels.starts)
    columns = [np.array(levels.resolutions), starts[:-1], np.diff(starts)]
    return np.stack(columns, axis=-1).astype(np.uint32)


@njit(cache=True)
def blank(x: NDArray[Any]) -> Notes:
    """Room for notes, of the type of x."""
    return Notes(
        np.empty((3, BLOCK), np.uint32),
        np.empty((3, BLOCK), x.dtype),
        np.empty((8, BLOCK), np.uint32),
        np.empty((8, BLOCK), x.dtype),
    )


@njit(cache=True, fastmath=FAST)
def find(x: NDArray[Any], first: int, count: int, level: NDArray[Any], notes: Notes) -> None:
    """Note the cells of points first ... first + count - 1 of `x` (3, n), and their corners' rows.

    Each loop does one thing to all points, so that it is vectorised.
    """
    scale, last = x.dtype.type(level[0]), np.int32(level[0]) - np.int32(1)
    for axis in range(3):
        for m in range(count):
            place = x[axis, first + m] * scale
            low = min(max(np.int32(place), np.int32(0)), last)  # cut off towards 0: as floor
            notes.cell[axis, m] = np.uint32(low)
            notes.inside[axis, m] = place - low
    side = np.uint64(level[0]) + np.uint64(1)
    if side * side * side <= np.uint64(level[2]):
        rows_of_dense(count, level, notes)
    else:
        rows_of_hashed(count, level, notes)


@njit(cache=True)
def rows_of_dense(count: int, level: NDArray[Any], notes: Notes) -> None:
    """Note the rows of a level on which every corner has its own."""
    side, start = np.uint32(level[0] + np.uint32(1)), level[1]
    for corner in range(8):
        i, j, k = np.uint32(corner >> 2), np.uint32((corner >> 1) & 1), np.uint32(corner & 1)
        for m in range(count):
            plane = np.uint32((notes.cell[0, m] + i) * side + notes.cell[1, m] + j)
            notes.rows[corner, m] = np.uint32(start + plane * side + notes.cell[2, m] + k)


@njit(cache=True)
def rows_of_hashed(count: int, level: NDArray[Any], notes: Notes) -> None:
    """Note the rows of a level whose corners share them."""
    start, mask = level[1], np.uint32(level[2] - np.uint32(1))
    for corner in range(8):
        i, j, k = np.uint32(corner >> 2), np.uint32((corner >> 1) & 1), np.uint32(corner & 1)
        for m in range(count):
            a = np.uint32(notes.cell[0, m] + i)
            b = np.uint32((notes.cell[1, m] + j) * P2)
            c = np.uint32((notes.cell[2, m] + k) * P3)
            notes.rows[corner, m] = np.uint32(start + ((a ^ b ^ c) & mask))


@njit(cache=True, fastmath=FAST)
def share(place: Number, upper: int) -> Number:
    """Return the share of the upper or the lower end of an edge."""
    return place if upper else ONE - place


@njit(cache=True, fastmath=FAST)
def weigh(v: NDArray[Any], first: int, count: int, level: NDArray[Any], notes: Notes) -> None:
    """Note w_c, or along `v` (3, n) instead of (3, 0) v · grad w_c."""
    scale = v.dtype.type(level[0])
    for corner in range(8):
        i, j, k = corner >> 2, (corner >> 1) & 1, corner & 1
        for m in range(count):
            a, b = share(notes.inside[0, m], i), share(notes.inside[1, m], j)
            c = share(notes.inside[2, m], k)
            if v.shape[1] == 0:
                notes.weights[corner, m] = a * b * c
            else:
                n = first + m
                along = signed(v[0, n], i) * b * c + signed(v[1, n], j) * a * c
                notes.weights[corner, m] = scale * (along + signed(v[2, n], k) * a * b)


@njit(cache=True, fastmath=FAST)
def signed(value: Number, upper: int) -> Number:
    """Return the value with the sign of the share's slope."""
    return value if upper else -value


@njit(cache=True, fastmath=FAST)
def gather_block(
    first: int, count: int, tables: NDArray[Any], notes: Notes, out: NDArray[Any]
) -> None:
    """Write the features of a block of points on one level into `out` (n, features)."""
    if tables.shape[1] == 2:  # by far the most frequent: both at once, a row in one piece
        for m in range(count):
            a = b = tables.dtype.type(0.0)
            for corner in range(8):
                row, weight = notes.rows[corner, m], notes.weights[corner, m]
                a += weight * tables[row, 0]
                b += weight * tables[row, 1]
            out[first + m, 0], out[first + m, 1] = a, b
        return
    for m in range(count):
        for f in range(tables.shape[1]):
            total = notes.weights[0, m] * tables[notes.rows[0, m], f]
            for corner in range(1, 8):
                total += notes.weights[corner, m] * tables[notes.rows[corner, m], f]
            out[first + m, f] = total


@njit(cache=True, parallel=True)
def gather(
    x: NDArray[Any], v: NDArray[Any], tables: NDArray[Any], levels: NDArray[Any], out: NDArray[Any]
) -> None:
    """Write e (n, levels * features) into `out`; `x` and `v` are (3, n), or `v` is (3, 0)."""
    features, num_points = tables.shape[1], x.shape[1]
    for level in range(levels.shape[0]):
        of_level = out[:, level * features : (level + 1) * features]
        for block in prange((num_points + BLOCK - 1) // BLOCK):
            notes, first = blank(x), block * BLOCK
            count = min(BLOCK, num_points - first)
            find(x, first, count, levels[level], notes)
            weigh(v, first, count, levels[level], notes)
            gather_block(first, count, tables, notes, of_level)


@njit(cache=True, fastmath=FAST)
def scatter_block(first: int, count: int, g: NDArray[Any], notes: Notes, out: NDArray[Any]) -> None:
    """Add what a block of points gives to the rows of one level to `out` (rows, features)."""
    if out.shape[1] == 2:
        for m in range(count):
            a, b = g[first + m, 0], g[first + m, 1]
            for corner in range(8):
                row, weight = notes.rows[corner, m], notes.weights[corner, m]
                out[row, 0] += weight * a
                out[row, 1] += weight * b
        return
    for m in range(count):
        for corner in range(8):
            row, weight = notes.rows[corner, m], notes.weights[corner, m]
            for f in range(out.shape[1]):
                out[row, f] += weight * g[first + m, f]


@njit(cache=True)
def scatter_level(
    x: NDArray[Any], v: NDArray[Any], g: NDArray[Any], level: NDArray[Any], out: NDArray[Any]
) -> None:
    """Add what all points give to the rows of one level."""
    notes = blank(x)
    for first in range(0, x.shape[1], BLOCK):
        count = min(BLOCK, x.shape[1] - first)
        find(x, first, count, level, notes)
        weigh(v, first, count, level, notes)
        scatter_block(first, count, g, notes, out)


@njit(cache=True, parallel=True)
def scatter(
    x: NDArray[Any],
    v: NDArray[Any],
    g: NDArray[Any],
    levels: NDArray[Any],
    workers: int,
    out: NDArray[Any],
) -> None:
    """Add dT to `out` (rows, features), levels dealt out to workers; `v` as in `gather`."""
    features = out.shape[1]
    for worker in prange(workers):
        for level in range(worker, levels.shape[0], workers):  # in turn: fine levels take longer
            of_level = g[:, level * features : (level + 1) * features]
            scatter_level(x, v, of_level, levels[level], out)


@njit(cache=True, fastmath=FAST)
def weigh_pulls(
    first: int, count: int, tables: NDArray[Any], g: NDArray[Any], notes: Notes
) -> None:
    """Note s_c where the weights stand."""
    if tables.shape[1] == 2:
        for m in range(count):
            a, b = g[first + m, 0], g[first + m, 1]
            for corner in range(8):
                row = notes.rows[corner, m]
                notes.weights[corner, m] = a * tables[row, 0] + b * tables[row, 1]
        return
    for m in range(count):
        for corner in range(8):
            row, total = notes.rows[corner, m], g[first + m, 0] * tables[notes.rows[corner, m], 0]
            for f in range(1, tables.shape[1]):
                total += g[first + m, f] * tables[row, f]
            notes.weights[corner, m] = total


@njit(cache=True, fastmath=FAST)
def slope(first: int, count: int, level: NDArray[Any], notes: Notes, out: NDArray[Any]) -> None:
    """Add sum_c (grad w_c) s_c to `out` (3, n)."""
    scale = out.dtype.type(level[0])
    for corner in range(8):
        i, j, k = corner >> 2, (corner >> 1) & 1, corner & 1
        for m in range(count):
            a, b = share(notes.inside[0, m], i), share(notes.inside[1, m], j)
            c, s = share(notes.inside[2, m], k), scale * notes.weights[corner, m]
            out[0, first + m] += signed(s, i) * b * c
            out[1, first + m] += signed(s, j) * a * c
            out[2, first + m] += signed(s, k) * a * b


@njit(cache=True, fastmath=FAST)
def bend(
    v: NDArray[Any], first: int, count: int, level: NDArray[Any], notes: Notes, out: NDArray[Any]
) -> None:
    """Add sum_c (grad grad w_c) v s_c to `out` (3, n): only mixed derivatives are not 0."""
    scale = out.dtype.type(level[0])
    for corner in range(8):
        i, j, k = corner >> 2, (corner >> 1) & 1, corner & 1
        for m in range(count):
            n, s = first + m, scale * scale * notes.weights[corner, m]
            a, b = share(notes.inside[0, m], i), share(notes.inside[1, m], j)
            c = share(notes.inside[2, m], k)
            xy, xz, yz = signed(s, i == j), signed(s, i == k), signed(s, j == k)
            out[0, n] += xy * c * v[1, n] + xz * b * v[2, n]
            out[1, n] += xy * c * v[0, n] + yz * a * v[2, n]
            out[2, n] += xz * b * v[0, n] + yz * a * v[1, n]


@njit(cache=True, parallel=True)
def pull(
    x: NDArray[Any],
    v: NDArray[Any],
    tables: NDArray[Any],
    g: NDArray[Any],
    levels: NDArray[Any],
    out: NDArray[Any],
) -> None:
    """Add dx to `out` (3, n); `v` as in `gather`."""
    features, num_points = tables.shape[1], x.shape[1]
    for level in range(levels.shape[0]):
        of_level = g[:, level * features : (level + 1) * features]
        for block in prange((num_points + BLOCK - 1) // BLOCK):
            notes, first = blank(x), block * BLOCK
            count = min(BLOCK, num_points - first)
            find(x, first, count, levels[level], notes)
            weigh_pulls(first, count, tables, of_level, notes)
            if v.shape[1] == 0:
                slope(first, count, levels[level], notes, out)
            else:
                bend(v, first, count, levels[level], notes, out)
