# SPDX-License-Identifier: GPL-3.0-or-later
"""`dense_grid.regular` in numba, with its slopes.

    dE/df_p = sum over axes (T_{p-1} - T_{p+1}) / (2 h),     T = 2 (|g| - 1) g / |g|
    dC/df_p = 2 (sum over the six neighbours L - 6 L_p),     L = laplacian f / h²

where T and L are 0 at points that are not near, or not inner. What neighbours need is reckoned
again at each point, so no two threads write to one place. It must not know torch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Number
from .dense_grid import STEEP

HALF, ONE, TWO, SIX, ZERO = (np.float32(value) for value in (0.5, 1.0, 2.0, 6.0, 0.0))
TINY = np.float32(STEEP**2)


@njit(cache=True)
def is_near(f: NDArray[Any], i: int, j: int, k: int, band: Number) -> bool:
    """Whether a point counts."""
    last = f.shape[0] - 2
    inner = 1 <= i <= last and 1 <= j <= last and 1 <= k <= last
    return bool(inner and abs(f[i, j, k]) < band)


@njit(cache=True)
def slope(f: NDArray[Any], i: int, j: int, k: int, scale: Number) -> tuple[Number, Number, Number]:
    """Return g of an inner point."""
    return (
        scale * (f[i + 1, j, k] - f[i - 1, j, k]),
        scale * (f[i, j + 1, k] - f[i, j - 1, k]),
        scale * (f[i, j, k + 1] - f[i, j, k - 1]),
    )


@njit(cache=True)
def laplacian(f: NDArray[Any], i: int, j: int, k: int) -> Number:
    """Of an inner point, in lattice steps."""
    total = f[i + 1, j, k] + f[i - 1, j, k] + f[i, j + 1, k] + f[i, j - 1, k]
    return total + f[i, j, k + 1] + f[i, j, k - 1] - SIX * f[i, j, k]


@njit(cache=True)
def tension(
    f: NDArray[Any], i: int, j: int, k: int, axis: int, pace: tuple[Number, Number]
) -> Number:
    """Return T on one axis, 0 where the point does not count; `pace`: band and 1 / (2 h)."""
    if not is_near(f, i, j, k, pace[0]):
        return ZERO
    x, y, z = slope(f, i, j, k, pace[1])
    size = np.float32(math.sqrt(x * x + y * y + z * z + TINY))
    along = x if axis == 0 else (y if axis == 1 else z)
    return TWO * (size - ONE) / size * along


@njit(cache=True)
def bend(f: NDArray[Any], i: int, j: int, k: int, band: Number) -> Number:
    """Return the laplacian, 0 where the point does not count."""
    return laplacian(f, i, j, k) if is_near(f, i, j, k, band) else ZERO


@njit(cache=True)
def pull(
    f: NDArray[Any], i: int, j: int, k: int, pace: tuple[Number, Number]
) -> tuple[Number, Number]:
    """Return the slopes of E and C in f_p, times the count and, for C, times h²."""
    band, last = pace[0], f.shape[0] - 1
    eikonal, smooth = ZERO, -SIX * bend(f, i, j, k, band)
    for axis in range(3):
        di, dj, dk = int(axis == 0), int(axis == 1), int(axis == 2)
        place = i if axis == 0 else (j if axis == 1 else k)
        if place > 0:
            eikonal += tension(f, i - di, j - dj, k - dk, axis, pace)
            smooth += bend(f, i - di, j - dj, k - dk, band)
        if place < last:
            eikonal -= tension(f, i + di, j + dj, k + dk, axis, pace)
            smooth += bend(f, i + di, j + dj, k + dk, band)
    return pace[1] * eikonal, TWO * smooth


@njit(cache=True, parallel=True)
def regular(f: NDArray[Any], band: Number, slopes: NDArray[Any], sums: NDArray[Any]) -> None:
    """Write the slopes of E and C, times their count, into `slopes` (2, n, n, n), zeros before.

    `sums` (n, 3) gets, for each plane, the sums of E and C, and the count.
    """
    side = f.shape[0]
    scale = np.float32(0.25) * np.float32(side - 1)
    pace, per_step = (band, scale), np.float32(4.0) * scale * scale  # 1 / (2 h), and 1 / h²
    reach = band + TWO / np.float32(side - 1) * TWO
    for i in prange(side):
        for j in range(side):
            for k in range(side):
                if abs(f[i, j, k]) > reach:  # nor are its neighbours near
                    continue
                eikonal, smooth = pull(f, i, j, k, pace)
                slopes[0, i, j, k], slopes[1, i, j, k] = eikonal, per_step * smooth
                if is_near(f, i, j, k, band):
                    x, y, z = slope(f, i, j, k, scale)
                    size = math.sqrt(x * x + y * y + z * z + TINY)
                    sums[i, 0] += (size - ONE) ** 2
                    sums[i, 1] += per_step * laplacian(f, i, j, k) ** 2
                    sums[i, 2] += ONE
