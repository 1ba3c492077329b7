# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash encoding's loops, `hash_grid_processor`'s or Triton's, differentiable twice.

    e = gather(x, T);    d e  gives  dx = pull(x, T, g)  and  dT = scatter(x, g)
    and each of these, differentiated once more, is one of the loops again, along v.

A third derivative raises RuntimeError. It must not know how the loops run.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from . import hash_grid_processor
from .hash_grid import HashLevels

TRITON = "lightkiln.ops.kernels.hash_grid_triton"


def compiled_for(tables: Tensor) -> bool:
    """Whether there are compiled loops for such tables, on their device."""
    if tables.dtype != torch.float32:
        return False
    device = tables.device.type
    return device == "cpu" or (device == "cuda" and find_spec("triton") is not None)


def encode(
    x: Float[Tensor, "n 3"], tables: Float[Tensor, "rows features"], levels: HashLevels
) -> Float[Tensor, "n outputs"]:
    """`hash_grid.encode` for x and tables of one type; twice differentiable."""
    encoded: Tensor = _Encode.apply(x, tables, levels)  # type: ignore[no-untyped-call]
    return encoded


def pull(
    x: Float[Tensor, "n 3"],
    tables: Float[Tensor, "rows features"],
    g: Float[Tensor, "n outputs"],
    levels: HashLevels,
) -> Float[Tensor, "n 3"]:
    """`hash_grid.pull`; differentiable once."""
    pulled: Tensor = _Pull.apply(x, tables, g, levels)  # type: ignore[no-untyped-call]
    return pulled


class _Encode(torch.autograd.Function):
    """e of x and T."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, tables: Tensor, levels: HashLevels) -> Tensor:
        ctx.save_for_backward(x, tables)
        ctx.levels = levels
        encoded: Tensor = _loops(x).gather(x, None, tables, levels)
        return encoded

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
        pulled: Tensor = _loops(x).pull(x, None, tables, g, levels)
        return pulled

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *v: Tensor) -> tuple[Tensor | None, ...]:
        x, tables, g = ctx.saved_tensors
        loops = _loops(x)
        of_x, of_tables, of_g = ctx.needs_input_grad[:3]
        return (
            loops.pull(x, v[0], tables, g, ctx.levels) if of_x else None,
            loops.scatter(x, v[0], g, len(tables), ctx.levels) if of_tables else None,
            loops.gather(x, v[0], tables, ctx.levels) if of_g else None,
            None,
        )


class _Scatter(torch.autograd.Function):
    """dT of x and g."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, g: Tensor, num_rows: int, levels: HashLevels) -> Tensor:
        ctx.save_for_backward(x, g)
        ctx.levels = levels
        scattered: Tensor = _loops(x).scatter(x, None, g, num_rows, levels)
        return scattered

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *u: Tensor) -> tuple[Tensor | None, ...]:
        x, g = ctx.saved_tensors
        loops = _loops(x)
        of_x, of_g = ctx.needs_input_grad[:2]
        return (
            loops.pull(x, None, u[0], g, ctx.levels) if of_x else None,
            loops.gather(x, None, u[0], ctx.levels) if of_g else None,
            None,
            None,
        )


def _loops(x: Tensor) -> ModuleType:
    """The loops for the device that holds x."""
    return hash_grid_processor if x.device.type == "cpu" else import_module(TRITON)
