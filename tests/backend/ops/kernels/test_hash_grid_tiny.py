# SPDX-License-Identifier: GPL-3.0-or-later
"""tiny-cuda-nn's hash grid against the reference: itself where there is a device, and its rules.

Without a device the rules of its documentation stand in for it, in torch, so that what is made of
them (lattice, rows, order of the coordinates) is at least executed.
"""

from __future__ import annotations

import itertools
import math
import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from lightkiln.ops.kernels import hash_grid, hash_grid_tiny
from torch import Tensor, nn

LEVELS = hash_grid.hash_levels(5, 4, 64, 12)
"""Three dense ones, of which the rows of two are no multiple of 8, and two hashed ones."""


class Encoding(nn.Module):
    """One level of a `HashGrid` as tiny-cuda-nn's documentation has it: linear, coherent prime."""

    def __init__(self, num_dims: int, about: dict[str, Any], dtype: torch.dtype) -> None:
        super().__init__()
        assert (num_dims, about["otype"], about["n_levels"]) == (3, "HashGrid", 1)
        self.scale = float(about["base_resolution"] - 1)
        self.side = math.ceil(self.scale) + 1
        dense = -(-(self.side**3) // 8) * 8
        self.size = min(dense, 2 ** about["log2_hashmap_size"])
        self.num_features = about["n_features_per_level"]
        self.params = nn.Parameter(torch.zeros(self.size * self.num_features, dtype=dtype))

    def forward(self, x: Tensor) -> Tensor:
        rows = self.params.reshape(self.size, self.num_features)
        place = x * self.scale + 0.5
        low = place.detach().floor()
        share = place - low
        total = torch.zeros((len(x), self.num_features), dtype=rows.dtype)
        for corner in itertools.product((0, 1), repeat=3):
            offset = torch.tensor(corner)
            weight = torch.where(offset == 1, share, 1.0 - share).prod(dim=-1)
            total = total + weight[:, None] * rows[self._row(low.long() + offset)]
        return total

    def _row(self, corner: Tensor) -> Tensor:
        i, j, k = corner.unbind(dim=-1)
        if self.side**3 <= self.size:
            return (i + j * self.side + k * self.side**2) % self.size
        return (i ^ (j * 2_654_435_761) ^ (k * 805_459_861)) % self.size


@pytest.fixture
def by_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("tinycudann")
    module.Encoding = Encoding  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tinycudann", module)
    hash_grid_tiny._module.cache_clear()


@pytest.mark.parametrize("features", [1, 2])
def test_its_rules_make_our_lattice_and_our_rows(by_the_rules: None, features: int) -> None:
    compare("cpu", features)


@pytest.mark.parametrize("features", [2, 8])
def test_it_agrees_to_the_second_order(features: int) -> None:
    pytest.importorskip("tinycudann", reason="tiny-cuda-nn is not installed")
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    compare("cuda", features)
    assert hash_grid_tiny.agrees(LEVELS, features, "cuda")


def test_without_it_or_with_features_it_lacks_it_is_not_used() -> None:
    assert not hash_grid_tiny.agrees(LEVELS, 3, "cpu")
    if "tinycudann" not in sys.modules:
        assert not hash_grid_tiny.agrees(LEVELS, 2, "cpu")


def compare(device: str, features: int) -> None:
    """Features, both slopes, and the slopes of a loss that bends the slope in places."""
    draw = torch.Generator().manual_seed(features)
    x = torch.rand((300, 3), generator=draw)
    x[0] = 0.0
    tables = torch.randn((LEVELS.num_rows, features), generator=draw)
    g = torch.randn((300, 5 * features), generator=draw)
    found = [bent(each, x, tables, g, device) for each in (hash_grid_tiny, hash_grid)]
    for ours, true in zip(*found, strict=True):
        assert (ours - true).abs().max() < 1e-3 * true.abs().max()


def bent(kernels: ModuleType, x: Tensor, tables: Tensor, g: Tensor, device: str) -> list[Tensor]:
    leaves = [each.to(device).clone().requires_grad_() for each in (x, tables, g)]
    encoded = kernels.encode(*leaves[:2], LEVELS)
    pulled = kernels.pull(*leaves, LEVELS)
    loss = (encoded * leaves[2]).sum() + (pulled**2).sum()
    return [encoded.detach(), pulled.detach(), *torch.autograd.grad(loss, leaves)]
