# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a field at many points and rays, in numba. It must not know how it came to be."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import Number, Rays
from .march import ONE, brick_exit, point_at, span

WHOLE = 0.999
"""Sum of the stored corners' shares above which a cell counts as whole, against rounding."""


@njit(cache=True)
def stored_share(
    table: NDArray[Any],
    values: NDArray[Any],
    x: NDArray[Any],
    shares: NDArray[Any],
    row: NDArray[Any],
) -> Number:
    """Write the sum of share times value of the stored corners into `row`; return their share."""
    row[:] = 0.0
    total = np.float32(0.0)
    for axis in range(3):
        if not 0.0 <= x[axis] <= table.shape[axis] * 8 - 1:
            return total
        shares[axis] = x[axis] - np.floor(x[axis])
    i, j, k = int(x[0]), int(x[1]), int(x[2])
    for corner in range(8):
        a = shares[0] if corner & 4 else ONE - shares[0]
        b = shares[1] if corner & 2 else ONE - shares[1]
        share = a * b * (shares[2] if corner & 1 else ONE - shares[2])
        p = point_at(table, i + (corner >> 2), j + ((corner >> 1) & 1), k + (corner & 1))
        if p >= 0 and share > 0.0:
            total += share
            for channel in range(values.shape[1]):
                row[channel] += share * values[p, channel]
    return total


@njit(cache=True, parallel=True)
def sample(
    table: NDArray[Any], values: NDArray[Any], x: NDArray[Any], needed: Number, out: NDArray[Any]
) -> None:
    """Interpolate `values` (points, channels) at lattice positions `x` (n, 3) into `out`.

    From the stored corners alone where they hold at least the share `needed`; elsewhere NaN.
    """
    width = 512
    for block in prange((x.shape[0] + width - 1) // width):
        row, shares = np.empty(values.shape[1], np.float32), np.empty(3, np.float32)
        for n in range(block * width, min((block + 1) * width, x.shape[0])):
            total = stored_share(table, values, x[n], shares, row)
            for channel in range(values.shape[1]):
                out[n, channel] = row[channel] / total if total > needed else np.nan


@njit(cache=True, parallel=True)
def touches(table: NDArray[Any], rays: Rays, out: NDArray[Any]) -> None:
    """Write whether each ray passes through any stored brick into `out` (rays,) bool."""
    for ray in prange(rays.origins.shape[0]):
        o, d = rays.origins[ray], rays.directions[ray]
        now, leave = span(table, o, d)
        out[ray] = False
        while now < leave:
            x, y, z = o[0] + now * d[0], o[1] + now * d[1], o[2] + now * d[2]
            if table[int(x) >> 3, int(y) >> 3, int(z) >> 3] >= 0:
                out[ray] = True
                break
            now = brick_exit(x, y, z, now, d)
