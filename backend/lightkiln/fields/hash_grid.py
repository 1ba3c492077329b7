# SPDX-License-Identifier: GPL-3.0-or-later
"""A multiresolution hash grid as a torch module: the rows that are learned, and how many levels
count so far. It must not know what its features are used for.
"""

from __future__ import annotations

from types import ModuleType

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import pad

from lightkiln.ops.kernels import hash_grid, hash_grid_autograd, hash_grid_tiny

START = 1e-4
"""Rows start uniform within ±START, as in the paper: small, but not all alike."""


class HashGrid(nn.Module):
    """Features of places in the unit cube; see `ops.kernels.hash_grid` for the formulae."""

    def __init__(
        self,
        *,
        num_levels: int = 16,
        coarsest: int = 16,
        finest: int = 2048,
        log2_size: int = 19,
        num_features: int = 2,
        seed: int = 0,
    ) -> None:
        """Levels of `coarsest` to `finest` cells along a side, 2^log2_size rows each at most."""
        super().__init__()
        self.levels = hash_grid.hash_levels(num_levels, coarsest, finest, log2_size)
        draw = torch.Generator().manual_seed(seed)
        start = torch.rand((self.levels.num_rows, num_features), generator=draw)
        self.tables = nn.Parameter((2.0 * start - 1.0) * START)
        """(rows, features), of all levels."""
        self.active_levels = num_levels
        """The coarsest levels that count; the features of the others are 0 and do not learn."""

    @property
    def num_outputs(self) -> int:
        """Features of a place, those of levels that do not count included."""
        return len(self.levels.resolutions) * self.tables.shape[1]

    def forward(self, x: Float[Tensor, "n 3"]) -> Float[Tensor, "n outputs"]:
        """The features of places in [0, 1]³, the coarsest level's first."""
        features: Tensor = self._kernels().encode(x, self.tables, self._counted)
        return pad(features, (0, self.num_outputs - features.shape[1]))

    def pull(self, x: Float[Tensor, "n 3"], g: Float[Tensor, "n outputs"]) -> Float[Tensor, "n 3"]:
        """The slope in x of sum(g · features): what a normal is made of.

        To differentiate the features by x with `torch.autograd.grad` gives the same, but reckons
        the slope in the tables on the way, for nothing.
        """
        count = len(self._counted.resolutions) * self.tables.shape[1]
        slope: Tensor = self._kernels().pull(x, self.tables, g[:, :count], self._counted)
        return slope

    @property
    def _counted(self) -> hash_grid.HashLevels:
        return self.levels.first(self.active_levels)

    def _kernels(self) -> ModuleType:
        """The fastest of the twins: the one place that chooses."""
        if self._can_be_tiny():
            return hash_grid_tiny
        compiled = hash_grid_autograd.compiled_for(self.tables)
        return hash_grid_autograd if compiled else hash_grid

    def _can_be_tiny(self) -> bool:
        tables = self.tables
        if tables.device.type != "cuda" or tables.dtype != torch.float32:
            return False
        return hash_grid_tiny.agrees(self._counted, tables.shape[1], str(tables.device))
