# SPDX-License-Identifier: GPL-3.0-or-later
"""`dense_grid` with the loops of its numba twins on the processor, differentiable once.

It must not know rays.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numba import get_num_threads
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import dense_grid, dense_regular
from . import dense_grid_numba as loops


def read(
    f: Float[Tensor, "side side side"],
    albedo: Float[Tensor, "side side side 3"],
    x: Float[Tensor, "n 3"],
    slopes: bool,
) -> Float[Tensor, "n features"]:
    """`dense_grid.read`, by the fastest of the twins, of float32."""
    if f.device.type != "cpu":
        return dense_grid.read(f, albedo, x, slopes)
    found: Tensor = _Read.apply(f, albedo, x, slopes)  # type: ignore[no-untyped-call]
    return found


def regular(f: Float[Tensor, "side side side"], band: float) -> Float[Tensor, " 2"]:
    """`dense_grid.regular`, by the fastest of the twins, of float32."""
    if f.device.type != "cpu":
        return dense_grid.regular(f, band)
    found: Tensor = _Regular.apply(f, band)  # type: ignore[no-untyped-call]
    return found


class _Read(torch.autograd.Function):
    """Of f and a."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, albedo: Tensor, x: Tensor, slopes: bool) -> Tensor:
        ctx.save_for_backward(x)
        ctx.side = len(f)
        out = torch.empty((len(x), 7 if slopes else 4))
        loops.read(_array(f), _array(albedo), _array(x), slopes, out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *g: Tensor) -> tuple[Tensor, Tensor, None, None]:
        (x,) = ctx.saved_tensors
        of_f = torch.zeros((ctx.side,) * 3)
        of_albedo = torch.zeros((*of_f.shape, 3))
        workers = get_num_threads()
        loops.spread(_array(x), _array(g[0]), workers, of_f.numpy(), of_albedo.numpy())
        return of_f, of_albedo, None, None


class _Regular(torch.autograd.Function):
    """E and C of f."""

    @staticmethod
    def forward(ctx: Any, f: Tensor, band: float) -> Tensor:
        slopes, sums = torch.zeros((2, *f.shape)), torch.zeros((len(f), 3), dtype=torch.float64)
        dense_regular.regular(_array(f), np.float32(band), slopes.numpy(), sums.numpy())
        total = sums.sum(dim=0)
        count = max(float(total[2]), 1.0)
        ctx.save_for_backward(slopes)
        ctx.count = count
        return (total[:2] / count).float()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *g: Tensor) -> tuple[Tensor, None]:
        slopes: Tensor = ctx.saved_tensors[0]
        eikonal, smooth = (float(each) / ctx.count for each in g[0])
        return eikonal * slopes[0] + smooth * slopes[1], None


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array
