# SPDX-License-Identifier: GPL-3.0-or-later
"""The hash encoding against what its paper says, and its twins against it."""

from __future__ import annotations

import pytest
import torch
from lightkiln.fields.hash_grid import HashGrid
from lightkiln.ops.kernels.hash_grid import corner_rows, encode, hash_levels


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
