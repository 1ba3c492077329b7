# SPDX-License-Identifier: GPL-3.0-or-later
"""`dense_grid.gather` with the loops of `dense_grid_numba` on the processor, differentiable once.

It must not know what a row means.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from numba import get_num_threads
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import dense_grid
from . import dense_grid_numba as loops


def gather(
    rows: Float[Tensor, "points 8"], x: Float[Tensor, "n 3"], side: int
) -> Float[Tensor, "n 8"]:
    """y of places, by the fastest of the twins; `rows` are float32."""
    if rows.device.type != "cpu":
        return dense_grid.gather(rows, x, side)
    read: Tensor = _Gather.apply(rows, x, side)  # type: ignore[no-untyped-call]
    return read


class _Gather(torch.autograd.Function):
    """y of R."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, x: Tensor, side: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.side, ctx.num_rows = side, len(rows)
        out = torch.empty((len(x), loops.ROW))
        loops.gather(_array(rows), _array(x), side, out.numpy())
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *g: Tensor) -> tuple[Tensor, None, None]:
        (x,) = ctx.saved_tensors
        out = torch.zeros((ctx.num_rows, loops.ROW))
        loops.scatter(_array(x), _array(g[0]), ctx.side, get_num_threads(), out.numpy())
        return out, None, None


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array
