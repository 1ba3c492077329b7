# SPDX-License-Identifier: GPL-3.0-or-later
"""What one ray sees, and how that depends on the field: forward and backward, in numba.

Notation (arXiv:2106.10689, eqs. 10-13): samples 0 ... n carry distances f_i; section i lies between
samples i and i + 1; Phi(f) = 1 / (1 + exp(-s f)).

    A_i = min(0, log Phi(f_{i+1}) - log Phi(f_i))       logarithm of what passes section i
    T_i = exp(sum_{j<i} A_j),   w_i = T_i - T_{i+1}     light before it, its share in the colour
    C   = sum_i w_i c_i,        c_i = sum_l k_l Y_l(d)  colour, at the section's middle

so 1 - exp(A_i) is the paper's alpha_i. With g = dL/dC and h = dL/dT_n, going backwards,

    S_n = T_n h,   dL/dA_i = S_{i+1} - T_{i+1} g·c_i,   S_i = S_{i+1} + w_i g·c_i,
    dA_i/df_{i+1} = s (1 - Phi(f_{i+1})),   dA_i/df_i = -s (1 - Phi(f_i)),   0 where A_i = 0.

Sections with w_i below `FAINT` get no colour: they cannot be seen. It must not know what a loss is.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .arrays import ROW, TERMS, Field, Number
from .march import HALF, MAX_SAMPLES, ONE, locate, march, sigmoid

FAINT = np.float32(5e-4)
"""An eighth of a step of an 8-bit image."""


class Scratch(NamedTuple):
    """A thread's working memory for one ray."""

    t: NDArray[Any]
    """(MAX_SAMPLES,) places of the samples."""
    f: NDArray[Any]
    """(MAX_SAMPLES,) distances there."""
    light: NDArray[Any]
    """(MAX_SAMPLES,) T_i."""
    slope: NDArray[Any]
    """(MAX_SAMPLES,) dL/df_i."""
    rgb: NDArray[Any]
    """(MAX_SAMPLES, 3) c_i; zero where the section is faint."""
    row: NDArray[Any]
    """(12,) coefficients at one place, or their gradient."""
    basis: NDArray[Any]
    """(4,) spherical harmonics of the ray's direction."""
    pull: NDArray[Any]
    """(3,) g = dL/dC."""
    points: NDArray[Any]
    """(8,) of the located cell."""
    shares: NDArray[Any]
    """(8,) their trilinear shares."""


@njit(cache=True)
def scratch_for_a_ray() -> Scratch:
    """Allocate working memory."""
    return Scratch(
        np.empty(MAX_SAMPLES, np.float32),
        np.empty(MAX_SAMPLES, np.float32),
        np.empty(MAX_SAMPLES, np.float32),
        np.empty(MAX_SAMPLES, np.float32),
        np.empty((MAX_SAMPLES, 3), np.float32),
        np.empty(ROW, np.float32),
        np.empty(TERMS, np.float32),
        np.empty(3, np.float32),
        np.empty(8, np.int64),
        np.empty(8, np.float32),
    )


@njit(cache=True)
def harmonics(d: NDArray[Any], basis: NDArray[Any]) -> None:
    """Write real spherical harmonics of d (3,), scaled to a first of 1: 1, y, z, x."""
    basis[0], basis[1], basis[2], basis[3] = ONE, d[1], d[2], d[0]


@njit(cache=True)
def locate_at(table: NDArray[Any], o: NDArray[Any], d: NDArray[Any], t: Number, s: Scratch) -> bool:
    """Find the cell at o + t d."""
    return locate(table, o[0] + t * d[0], o[1] + t * d[1], o[2] + t * d[2], s.points, s.shares)


@njit(cache=True, fastmath={"reassoc", "contract"})  # sums over coefficients, to be vectorised
def interpolated_color(field: Field, s: Scratch, rgb: NDArray[Any]) -> None:
    """Write the colour (3,) of the located cell in the direction of `s.basis`."""
    s.row[:] = 0.0
    for corner in range(8):
        share, point = s.shares[corner], s.points[corner]
        for term in range(ROW):
            s.row[term] += share * field.color[point, term]
    for channel in range(3):
        total = np.float32(0.0)
        for term in range(TERMS):
            total += s.row[channel * TERMS + term] * s.basis[term]
        rgb[channel] = total


@njit(cache=True)
def look(
    field: Field,
    o: NDArray[Any],
    d: NDArray[Any],
    jitter: Number,
    s: Scratch,
    rgb: NDArray[Any],
) -> int:
    """Walk along a ray, add what it sees to `rgb` (3,); return the number of samples."""
    count = march(field, o, d, jitter, s.t, s.f)
    s.light[0] = 1.0
    for i in range(count - 1):
        before, clear = (
            sigmoid(np.float32(field.sharpness) * s.f[i]),
            sigmoid(np.float32(field.sharpness) * s.f[i + 1]),
        )
        s.light[i + 1] = s.light[i] * min(ONE, clear / before)
        s.rgb[i] = 0.0
        weight = s.light[i] - s.light[i + 1]
        if weight > FAINT and locate_at(field.table, o, d, HALF * (s.t[i] + s.t[i + 1]), s):
            interpolated_color(field, s, s.rgb[i])
            for channel in range(3):
                rgb[channel] += weight * s.rgb[i, channel]
    return count


@njit(cache=True)
def half_depth(count: int, s: Scratch) -> Number:
    """Return t where the light falls to one half, linear within the section; infinite if never."""
    for i in range(count - 1):
        if s.light[i + 1] < 0.5:
            part = (s.light[i] - HALF) / (s.light[i] - s.light[i + 1])
            return s.t[i] + part * (s.t[i + 1] - s.t[i])
    return np.float32(np.inf)


@njit(cache=True)
def slopes(count: int, sharpness: Number, h: Number, s: Scratch) -> None:
    """Write dL/df_i into `s.slope`, given `s.pull` = dL/dC and h = dL/dT_n."""
    s.slope[:count] = 0.0
    behind = s.light[count - 1] * h
    for i in range(count - 2, -1, -1):
        seen = s.pull[0] * s.rgb[i, 0] + s.pull[1] * s.rgb[i, 1] + s.pull[2] * s.rgb[i, 2]
        pull = behind - s.light[i + 1] * seen
        behind += (s.light[i] - s.light[i + 1]) * seen
        if s.f[i + 1] < s.f[i]:
            s.slope[i + 1] += pull * sharpness * sigmoid(-sharpness * s.f[i + 1])
            s.slope[i] -= pull * sharpness * sigmoid(-sharpness * s.f[i])


@njit(cache=True)
def scatter_distance(
    table: NDArray[Any],
    o: NDArray[Any],
    d: NDArray[Any],
    count: int,
    s: Scratch,
    into: NDArray[Any],
) -> None:
    """Add dL/df at the samples to the points (points,) that they were interpolated from."""
    for i in range(count):
        if s.slope[i] != 0.0 and locate_at(table, o, d, s.t[i], s):
            for corner in range(8):
                into[s.points[corner]] += s.slope[i] * s.shares[corner]


@njit(cache=True, fastmath={"contract"})
def scatter_color(
    weight: Number,
    s: Scratch,
    into: NDArray[Any],
    touched: NDArray[Any],
) -> None:
    """Add dL/dk of the located cell to the points' rows of `into` (points, 12)."""
    for channel in range(3):
        for term in range(TERMS):
            s.row[channel * TERMS + term] = weight * s.pull[channel] * s.basis[term]
    for corner in range(8):
        share, point = s.shares[corner], s.points[corner]
        touched[point] = True
        for term in range(ROW):
            into[point, term] += share * s.row[term]
