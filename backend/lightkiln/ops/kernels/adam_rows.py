# SPDX-License-Identifier: GPL-3.0-or-later
"""Adam for rows of which a step touches few, in numba and in torch: hash tables.

The formula and its constants are those of `adam`; rows without a gradient are left alone with their
moments, as in the hash encoding's paper (arXiv:2201.05989, appendix D): most rows of a large table
belong to empty space, and a step must not cost their reading. It must not know what is learned.
"""

from __future__ import annotations

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
BLOCK = 4096


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})
def move_values(
    values: NDArray[Any], g: NDArray[Any], moments: Moments, start: int, end: int, rate: Number
) -> None:
    """Move the values (n,) from `start` to `end` that have a gradient."""
    tiny = np.float32(TINY)
    for n in range(start, end):
        if g[n] != 0.0:
            first = B1 * moments.first[n] + (ONE - B1) * g[n]
            second = B2 * moments.second[n] + (ONE - B2) * g[n] * g[n]
            moments.first[n], moments.second[n] = first, second
            values[n] -= rate * first / (np.sqrt(second) + tiny)


@njit(cache=True, parallel=True)
def step_values(values: NDArray[Any], g: NDArray[Any], moments: Moments, rate: Number) -> None:
    """Move all values (n,) that have a gradient `g` (n,)."""
    for block in prange((values.shape[0] + BLOCK - 1) // BLOCK):
        end = min((block + 1) * BLOCK, values.shape[0])
        move_values(values, g, moments, block * BLOCK, end, rate)


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
