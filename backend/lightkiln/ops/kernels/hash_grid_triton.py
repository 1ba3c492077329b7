# SPDX-License-Identifier: GPL-3.0-or-later
"""The loops of `hash_grid_numba` in Triton: what runs on CUDA where Triton is installed.

Programs work on a block of points each, on one level or on all in turn. Sums into rows are atomic:
their order, and with it the last digits, differ from run to run. Notation and the meaning of v are
those of the numba file. It must not know autograd.
"""

from __future__ import annotations

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

from .hash_grid import HashLevels

BLOCK = 128
"""Points of a program."""


@triton.jit
def share(place, upper: tl.constexpr):
    """Return the share of the upper or the lower end of an edge."""
    return place if upper else 1.0 - place


@triton.jit
def signed(value, upper: tl.constexpr):
    """Return the value with the sign of the share's slope."""
    return value if upper else -value


@triton.jit
def along_axis(x, n, axis: tl.constexpr, cells, mask):
    """Return the lowest corner of the cell and the place within it, along one axis."""
    place = tl.load(x + 3 * n + axis, mask=mask, other=0.0) * cells.to(tl.float32)
    low = tl.minimum(tl.maximum(place.to(tl.int32), 0), cells - 1)
    return low, place - low.to(tl.float32)


@triton.jit
def row_of(i, j, k, level):
    """Return the row of a lattice point; `level` (4,): cells, first row, rows, if it is dense."""
    cells, start, size = tl.load(level), tl.load(level + 1), tl.load(level + 2)
    side = cells + 1
    own = (i * side + j) * side + k
    second, third = j.to(tl.int64) * 2654435761, k.to(tl.int64) * 805459861
    hashed = (i.to(tl.int64) ^ second ^ third) & (size - 1).to(tl.int64)
    return start.to(tl.int64) + tl.where(tl.load(level + 3) != 0, own.to(tl.int64), hashed)


@triton.jit
def weigh(x, v, n, corner: tl.constexpr, directed: tl.constexpr, level, mask):
    """Return the row of a corner and w_c, or v · grad w_c."""
    cells = tl.load(level)
    i, a = along_axis(x, n, 0, cells, mask)
    j, b = along_axis(x, n, 1, cells, mask)
    k, c = along_axis(x, n, 2, cells, mask)
    row = row_of(i + (corner >> 2), j + ((corner >> 1) & 1), k + (corner & 1), level)
    a, b, c = share(a, corner & 4), share(b, corner & 2), share(c, corner & 1)
    weight = a * b * c
    if directed:
        v0 = tl.load(v + 3 * n, mask=mask, other=0.0)
        v1 = tl.load(v + 3 * n + 1, mask=mask, other=0.0)
        v2 = tl.load(v + 3 * n + 2, mask=mask, other=0.0)
        weight = signed(v0, corner & 4) * b * c + signed(v1, corner & 2) * a * c
        weight = (weight + signed(v2, corner & 1) * a * b) * cells.to(tl.float32)
    return row, weight


@triton.jit
def dotted(a, b, features: tl.constexpr, mask):
    """The sum over features of what lies at `a` times what lies at `b`."""
    total = tl.load(a, mask=mask, other=0.0) * tl.load(b, mask=mask, other=0.0)
    for f in tl.static_range(1, features):
        total += tl.load(a + f, mask=mask, other=0.0) * tl.load(b + f, mask=mask, other=0.0)
    return total


@triton.jit
def gather_kernel(
    x,
    v,
    tables,
    levels,
    out,
    count,
    features: tl.constexpr,
    outputs,
    directed: tl.constexpr,
    size: tl.constexpr,
):
    """Write e of a block of points on one level."""
    n, level = tl.program_id(0) * size + tl.arange(0, size), tl.program_id(1)
    mask = n < count
    for f in tl.static_range(features):
        total = tl.zeros((size,), tl.float32)
        for corner in tl.static_range(8):
            row, weight = weigh(x, v, n, corner, directed, levels + 4 * level, mask)
            total += weight * tl.load(tables + row * features + f, mask=mask, other=0.0)
        tl.store(out + n * outputs + level * features + f, total, mask=mask)


@triton.jit
def scatter_kernel(
    x,
    v,
    g,
    levels,
    out,
    count,
    features: tl.constexpr,
    outputs,
    directed: tl.constexpr,
    size: tl.constexpr,
):
    """Add what a block of points gives to the rows of one level."""
    n, level = tl.program_id(0) * size + tl.arange(0, size), tl.program_id(1)
    mask = n < count
    for corner in tl.static_range(8):
        row, weight = weigh(x, v, n, corner, directed, levels + 4 * level, mask)
        for f in tl.static_range(features):
            part = tl.load(g + n * outputs + level * features + f, mask=mask, other=0.0)
            tl.atomic_add(out + row * features + f, weight * part, mask=mask)


@triton.jit
def pull_kernel(
    x,
    v,
    tables,
    g,
    levels,
    out,
    count,
    num_levels,
    features: tl.constexpr,
    outputs,
    directed: tl.constexpr,
    size: tl.constexpr,
):
    """Write dx of a block of points, all levels in turn."""
    n = tl.program_id(0) * size + tl.arange(0, size)
    mask = n < count
    nothing = tl.zeros((size,), tl.float32)
    d0, d1, d2 = nothing, nothing, nothing
    for number in range(num_levels):
        level = levels + 4 * number
        cells = tl.load(level)
        i, u0 = along_axis(x, n, 0, cells, mask)
        j, u1 = along_axis(x, n, 1, cells, mask)
        k, u2 = along_axis(x, n, 2, cells, mask)
        scale = cells.to(tl.float32)
        for corner in tl.static_range(8):
            row = row_of(i + (corner >> 2), j + ((corner >> 1) & 1), k + (corner & 1), level)
            at = g + n * outputs + number * features
            s = scale * dotted(at, tables + row * features, features, mask)
            a, b, c = share(u0, corner & 4), share(u1, corner & 2), share(u2, corner & 1)
            if directed:
                v0 = tl.load(v + 3 * n, mask=mask, other=0.0)
                v1 = tl.load(v + 3 * n + 1, mask=mask, other=0.0)
                v2 = tl.load(v + 3 * n + 2, mask=mask, other=0.0)
                s *= scale
                xy = signed(s, ((corner >> 2) ^ (corner >> 1) ^ 1) & 1)
                xz = signed(s, ((corner >> 2) ^ corner ^ 1) & 1)
                yz = signed(s, ((corner >> 1) ^ corner ^ 1) & 1)
                d0 += xy * c * v1 + xz * b * v2
                d1 += xy * c * v0 + yz * a * v2
                d2 += xz * b * v0 + yz * a * v1
            else:
                d0 += signed(s, corner & 4) * b * c
                d1 += signed(s, corner & 2) * a * c
                d2 += signed(s, corner & 1) * a * b
    tl.store(out + 3 * n, d0, mask=mask)
    tl.store(out + 3 * n + 1, d1, mask=mask)
    tl.store(out + 3 * n + 2, d2, mask=mask)


def gather(x: Tensor, v: Tensor | None, tables: Tensor, levels: HashLevels) -> Tensor:
    """e (n, outputs) of places x (n, 3), float32; along v (n, 3) if it is given."""
    count, features = len(x), tables.shape[1]
    num_levels = len(levels.resolutions)
    out = x.new_empty((count, num_levels * features))
    if count > 0:
        gather_kernel[(triton.cdiv(count, BLOCK), num_levels)](
            *_plain(x, v), tables.contiguous(), _rows(levels, x), out, count, features,
            out.shape[1], v is not None, BLOCK,
        )  # fmt: skip
    return out


def scatter(x: Tensor, v: Tensor | None, g: Tensor, num_rows: int, levels: HashLevels) -> Tensor:
    """dT (num_rows, features) from g (n, outputs); v as in `gather`."""
    count, num_levels = len(x), len(levels.resolutions)
    features = g.shape[1] // num_levels
    out = x.new_zeros((num_rows, features))
    if count > 0:
        scatter_kernel[(triton.cdiv(count, BLOCK), num_levels)](
            *_plain(x, v), g.contiguous(), _rows(levels, x), out, count, features,
            g.shape[1], v is not None, BLOCK,
        )  # fmt: skip
    return out


def pull(x: Tensor, v: Tensor | None, tables: Tensor, g: Tensor, levels: HashLevels) -> Tensor:
    """dx (n, 3) from g (n, outputs); v as in `gather`."""
    count, num_levels = len(x), len(levels.resolutions)
    out = x.new_empty((count, 3))
    if count > 0:
        pull_kernel[(triton.cdiv(count, BLOCK),)](
            *_plain(x, v), tables.contiguous(), g.contiguous(), _rows(levels, x), out, count,
            num_levels, tables.shape[1], g.shape[1], v is not None, BLOCK,
        )  # fmt: skip
    return out


def _plain(x: Tensor, v: Tensor | None) -> tuple[Tensor, Tensor]:
    return x.contiguous(), x if v is None else v.contiguous()


def _rows(levels: HashLevels, x: Tensor) -> Any:
    """(levels, 4) int32: cells along a side, the first row, the number of rows, if it is dense."""
    rows = [
        [cells, start, end - start, int(levels.is_dense(level))]
        for level, (cells, start, end) in enumerate(
            zip(levels.resolutions, levels.starts[:-1], levels.starts[1:], strict=True)
        )
    ]
    return torch.tensor(rows, dtype=torch.int32, device=x.device)
