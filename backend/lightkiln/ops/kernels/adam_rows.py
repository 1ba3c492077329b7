# SPDX-License-Identifier: GPL-3.0-or-later
"""Adam for rows of which a step touches few, in numba and in torch: hash tables.

The formula and its constants are those of `adam`; rows without a gradient are left alone with their
moments, as in the hash encoding's paper (arXiv:2201.05989, appendix D): most rows of a large table
belong to empty space, and a step must not cost their reading. It must not know what is learned.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numba import njit, prange
from numpy.typing import NDArray
from torch import Tensor

from .adam import B1, B2, ONE, Moments
from .arrays import Number

TINY = 1e-15
"""As in the paper: gradients of fine levels are that small."""
BLOCK, LINE = 4096, 64
"""Values that a thread works off at a time, and those that are left out together."""


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def move_values(
    values: NDArray[Any], g: NDArray[Any], moments: Moments, start: int, end: int, rate: Number
) -> None:
    """Move the values (n,) from `start` to `end` that have a gradient, without branches."""
    tiny = np.float32(TINY)
    for n in range(start, end):
        has, m, v = g[n] != 0.0, moments.first[n], moments.second[n]
        first, second = B1 * m + (ONE - B1) * g[n], B2 * v + (ONE - B2) * g[n] * g[n]
        moments.first[n], moments.second[n] = (first if has else m), (second if has else v)
        change = rate * first / (np.sqrt(second) + tiny)
        values[n] -= change if has else np.float32(0.0)


@njit(cache=True, fastmath={"contract", "reassoc"})
def is_touched(g: NDArray[Any], start: int, end: int) -> bool:
    """Return whether any value from `start` to `end` has a gradient."""
    total = np.float32(0.0)
    for n in range(start, end):
        total = max(total, abs(g[n]))
    return bool(total > 0.0) or math.isnan(total)


@njit(cache=True, parallel=True)
def step_values(values: NDArray[Any], g: NDArray[Any], moments: Moments, rate: Number) -> None:
    """Move all values (n,) that have a gradient `g` (n,)."""
    for block in prange((values.shape[0] + BLOCK - 1) // BLOCK):
        for start in range(block * BLOCK, min((block + 1) * BLOCK, values.shape[0]), LINE):
            end = min(start + LINE, values.shape[0])
            if is_touched(g, start, end):
                move_values(values, g, moments, start, end, rate)


@torch.no_grad()
def step_rows(values: Tensor, g: Tensor, moments: tuple[Tensor, Tensor], rate: float) -> None:
    """Move the values that have a gradient, in place, all of one shape; on any device."""
    if values.device.type == "cpu":
        flat = Moments(*(moment.view(-1).numpy() for moment in moments))
        step_values(values.view(-1).numpy(), g.reshape(-1).numpy(), flat, np.float32(rate))
        return
    touched = g != 0.0
    first = torch.where(touched, moments[0].lerp(g, 1.0 - float(B1)), moments[0])
    second = torch.where(touched, moments[1].lerp(g**2, 1.0 - float(B2)), moments[1])
    moments[0].copy_(first)
    moments[1].copy_(second)
    values -= torch.where(touched, rate * first / (second.sqrt() + TINY), 0.0)
