# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash encoding against what its paper says, and its twins against it."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from lightkiln.fields.hash_grid import HashGrid
from lightkiln.ops.kernels import hash_grid, hash_grid_autograd
from lightkiln.ops.kernels.adam_rows import step_rows
from lightkiln.ops.kernels.hash_grid import corner_rows, encode, hash_levels
from torch import Tensor


def test_levels_grow_from_the_coarsest_to_the_finest() -> None:
    levels = hash_levels(16, 16, 2048, 19)
    assert (levels.resolutions[0], levels.resolutions[-1]) == (16, 2048)
    ratios = [b / a for a, b in zip(levels.resolutions, levels.resolutions[1:], strict=False)]
    assert ratios == pytest.approx([2.0 ** (7 / 15)] * 15, rel=0.06)  # floor takes up to 1 of 17
    assert levels.is_dense(0)
    assert not levels.is_dense(15)
    assert levels.starts[16] - levels.starts[15] == 2**19


def test_a_dense_level_gives_every_corner_a_row_and_a_hashed_one_shares_them_evenly() -> None:
    levels = hash_levels(2, 15, 63, 14)
    axis = torch.arange(16)
    corners = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    assert corner_rows(corners, levels, 0).unique().tolist() == list(range(16**3))
    axis = torch.arange(64)
    corners = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    counts = torch.bincount(corner_rows(corners, levels, 1) - levels.starts[1], minlength=2**14)
    assert len(counts) == 2**14
    assert counts.float().mean() == 16.0
    assert counts.max() < 4 * 16


def test_a_known_hash() -> None:
    levels = hash_levels(1, 1000, 1000, 19)
    i, j, k = 7, 11, 13  # in C's uint32: 7 ^ 11 * 2654435761 ^ 13 * 805459861, the low 19 bits
    expected = (7 ^ (11 * 2654435761 % 2**32) ^ (13 * 805459861 % 2**32)) & (2**19 - 1)
    assert corner_rows(torch.tensor([i, j, k]), levels, 0).item() == expected


def test_a_dense_level_reproduces_a_linear_function_and_its_slope() -> None:
    levels = hash_levels(1, 9, 9, 19)
    axis = torch.linspace(0.0, 1.0, 10, dtype=torch.float64)
    corners = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    slope = torch.tensor([[0.3, -1.2], [2.0, 0.4], [-0.7, 0.9]], dtype=torch.float64)
    x = torch.rand((200, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x[:3] = torch.tensor([[0.0] * 3, [1.0] * 3, [1.0, 0.0, 0.5]])  # the cube's border belongs to it
    x.requires_grad_()
    seen = encode(x, corners @ slope, levels)
    torch.testing.assert_close(seen, x @ slope)
    (found,) = torch.autograd.grad(seen[:, 0].sum(), x)
    torch.testing.assert_close(found, slope[:, 0].expand(200, 3))


def test_levels_that_do_not_count_are_zero_and_do_not_learn() -> None:
    grid = HashGrid(num_levels=4, coarsest=4, finest=32, log2_size=10, num_features=2, seed=3)
    x = torch.rand((50, 3), generator=torch.Generator().manual_seed(1))
    whole = grid(x)
    grid.active_levels = 2
    part = grid(x)
    assert part.shape == whole.shape == (50, 8)
    torch.testing.assert_close(part[:, :4], whole[:, :4])
    assert not part[:, 4:].any()
    part.square().sum().backward()
    assert grid.tables.grad is not None
    assert not grid.tables.grad[grid.levels.starts[2] :].any()
    assert grid.tables.grad[: grid.levels.starts[2]].any()


@pytest.mark.parametrize("features", [1, 2, 8])
def test_the_compiled_twin_agrees_to_the_second_order(features: int) -> None:
    draw = torch.Generator().manual_seed(features)
    levels = hash_levels(5, 4, 64, 12)
    x = torch.rand((700, 3), generator=draw)  # blocks of 256 points: two whole and one not
    x[0], x[1] = 0.0, 1.0
    tables = torch.randn((levels.num_rows, features), generator=draw)
    mixing = torch.randn((5 * features, 1), generator=draw) / 20.0
    theirs = bent(hash_grid, *(tensor.double() for tensor in (x, tables, mixing)), levels)
    ours = bent(hash_grid_autograd, x, tables, mixing, levels)
    for found, true in zip(ours, theirs, strict=True):
        assert (found - true).abs().max() < 1e-4 * true.abs().max()


def bent(
    kernels: ModuleType, x: Tensor, tables: Tensor, mixing: Tensor, levels: hash_grid.HashLevels
) -> list[Tensor]:
    """A field, its normals by both ways, and the slopes of a loss that bends them."""
    leaves = [tensor.clone().requires_grad_() for tensor in (x, tables, mixing)]
    encoded = kernels.encode(*leaves[:2], levels)
    f = torch.tanh(encoded @ leaves[2])
    (normals,) = torch.autograd.grad(f.sum(), leaves[0], create_graph=True)
    (g,) = torch.autograd.grad(f.sum(), encoded, create_graph=True)
    pulled = kernels.pull(*leaves[:2], g, levels)
    loss = ((normals.norm(dim=-1) - 1.0) ** 2).sum() + (pulled[:, 0] * f[:, 0]).sum()
    return [f.detach(), normals.detach(), pulled.detach(), *torch.autograd.grad(loss, leaves)]


def test_a_step_moves_the_rows_that_have_a_gradient_and_no_other() -> None:
    draw = torch.Generator().manual_seed(0)
    values, start = torch.zeros((9000, 2)), torch.randn((9000, 2), generator=draw)
    values += start
    g = torch.randn((9000, 2), generator=draw) * 1e-6
    g[torch.rand(9000, generator=draw) < 0.5] = 0.0
    moments = (torch.zeros_like(values), torch.zeros_like(values))
    step_rows(values, g, moments, 0.1)
    torch.testing.assert_close(values, start - 0.1 * g.sign(), rtol=0.0, atol=1e-5)
    assert (moments[0] != 0.0).equal(g != 0.0)
