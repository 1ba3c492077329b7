# SPDX-License-Identifier: GPL-3.0-or-later
"""The loops of `hash_grid_numba` as functions that torch can differentiate, twice.

    e = gather(x, T);    d e  gives  dx = pull(x, T, g)  and  dT = scatter(x, g)
    and each of these, differentiated once more, is one of the loops again, along v.

A third derivative raises RuntimeError. It must not know how the loops run.
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from numba import get_num_threads
from numpy.typing import NDArray
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import hash_grid_numba as loops
from .hash_grid import HashLevels


def encode(
    x: Float[Tensor, "n 3"], tables: Float[Tensor, "rows features"], levels: HashLevels
) -> Float[Tensor, "n outputs"]:
    """`hash_grid.encode` on the processor, for x and tables of one type; twice differentiable."""
    encoded: Tensor = _Encode.apply(x, tables, levels)  # type: ignore[no-untyped-call]
    return encoded


def pull(
    x: Float[Tensor, "n 3"],
    tables: Float[Tensor, "rows features"],
    g: Float[Tensor, "n outputs"],
    levels: HashLevels,
) -> Float[Tensor, "n 3"]:
    """`hash_grid.pull` on the processor; differentiable once."""
    pulled: Tensor = _Pull.apply(x, tables, g, levels)  # type: ignore[no-untyped-call]
    return pulled


class _Encode(torch.autograd.Function):
    """e of x and T."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tables: Tensor, levels: HashLevels) -> Tensor:
        ctx.save_for_backward(x, tables)
        ctx.levels = levels
        return _gather(x, None, tables, levels)

    @staticmethod
    def backward(ctx: Any, *g: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, tables = ctx.saved_tensors
        of_x = of_tables = None
        if ctx.needs_input_grad[0]:
            of_x = _Pull.apply(x, tables, g[0], ctx.levels)  # type: ignore[no-untyped-call]
        if ctx.needs_input_grad[1]:
            of_tables = _Scatter.apply(x, g[0], len(tables), ctx.levels)  # type: ignore[no-untyped-call]
        return of_x, of_tables, None


class _Pull(torch.autograd.Function):
    """dx of x, T and g."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tables: Tensor, g: Tensor, levels: HashLevels) -> Tensor:
        ctx.save_for_backward(x, tables, g)
        ctx.levels = levels
        return _pull(x, None, tables, g, levels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *v: Tensor) -> tuple[Tensor | None, ...]:
        x, tables, g = ctx.saved_tensors
        of_x, of_tables, of_g = ctx.needs_input_grad[:3]
        return (
            _pull(x, v[0], tables, g, ctx.levels) if of_x else None,
            _scatter(x, v[0], g, len(tables), ctx.levels) if of_tables else None,
            _gather(x, v[0], tables, ctx.levels) if of_g else None,
            None,
        )


class _Scatter(torch.autograd.Function):
    """dT of x and g."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, g: Tensor, num_rows: int, levels: HashLevels) -> Tensor:
        ctx.save_for_backward(x, g)
        ctx.levels = levels
        return _scatter(x, None, g, num_rows, levels)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *u: Tensor) -> tuple[Tensor | None, ...]:
        x, g = ctx.saved_tensors
        of_x, of_g = ctx.needs_input_grad[:2]
        return (
            _pull(x, None, u[0], g, ctx.levels) if of_x else None,
            _gather(x, None, u[0], ctx.levels) if of_g else None,
            None,
            None,
        )


def _gather(x: Tensor, v: Tensor | None, tables: Tensor, levels: HashLevels) -> Tensor:
    out = torch.empty((len(x), len(levels.resolutions) * tables.shape[1]), dtype=x.dtype)
    rows = loops.level_array(levels)
    loops.gather(_columns(x), _direction(x, v), _array(tables), rows, out.numpy())
    return out


def _scatter(x: Tensor, v: Tensor | None, g: Tensor, num_rows: int, levels: HashLevels) -> Tensor:
    out = torch.zeros((num_rows, g.shape[1] // len(levels.resolutions)), dtype=x.dtype)
    rows, workers = loops.level_array(levels), get_num_threads()
    loops.scatter(_columns(x), _direction(x, v), _array(g), rows, workers, out.numpy())
    return out


def _pull(x: Tensor, v: Tensor | None, tables: Tensor, g: Tensor, levels: HashLevels) -> Tensor:
    out = torch.zeros((3, len(x)), dtype=x.dtype)
    rows = loops.level_array(levels)
    loops.pull(_columns(x), _direction(x, v), _array(tables), _array(g), rows, out.numpy())
    return out.T


def _direction(x: Tensor, v: Tensor | None) -> NDArray[Any]:
    return _columns(x[:0] if v is None else v)


def _columns(rows: Tensor) -> NDArray[Any]:
    """(3, n): so that loops over points are vectorised."""
    return _array(rows.T)


def _array(tensor: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = tensor.detach().contiguous().numpy()
    return array
