# SPDX-License-Identifier: GPL-3.0-or-later
"""The multiresolution hash encoding in torch: readable, differentiable to any order, on any device.

Notation (Müller et al. 2022, arXiv:2201.05989, section 3): L levels, T rows in a level's table at
most, F features in a row, N_l cells along the unit cube's side on level l.

    N_l = floor(N_min b^l),   b = exp((ln N_max - ln N_min) / (L - 1))             (2, 3)
    h(i) = (i_1 pi_1 xor i_2 pi_2 xor i_3 pi_3) mod T                              (4)

A level whose (N_l + 1)³ corners fit in T rows needs no hash: a row for each, z fastest. The
features at x are interpolated trilinearly from the corners of the cell that holds x N_l.
It must not know what the features mean.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lightkiln.ops.interpolation import OFFSETS

PRIMES = (1, 2_654_435_761, 805_459_861)
"""pi of equation 4."""


class HashLevels(NamedTuple):
    """Where each level's rows are: those of all levels stand in one array, one after the other."""

    resolutions: tuple[int, ...]
    """N_l, cells along the cube's side."""
    starts: tuple[int, ...]
    """(levels + 1): the first row of each level; the last is the number of all rows."""

    @property
    def num_rows(self) -> int:
        """Rows of all levels together."""
        return self.starts[-1]

    def first(self, count: int) -> HashLevels:
        """The `count` coarsest levels; their rows come first, so they share the whole's array."""
        return HashLevels(self.resolutions[:count], self.starts[: count + 1])

    def is_dense(self, level: int) -> bool:
        """Whether each corner of a level has a row of its own."""
        return (self.resolutions[level] + 1) ** 3 <= self.starts[level + 1] - self.starts[level]


def hash_levels(num_levels: int, coarsest: int, finest: int, log2_size: int) -> HashLevels:
    """L levels from N_min = `coarsest` to N_max = `finest`, of 2^log2_size rows at most."""
    growth = math.log(finest / coarsest) / max(num_levels - 1, 1)
    # 1e-6: or rounding would turn the last level's 2048 into 2047.
    resolutions = tuple(
        math.floor(coarsest * math.exp(growth * level) + 1e-6) for level in range(num_levels)
    )
    starts = [0]
    for resolution in resolutions:
        starts.append(starts[-1] + min((resolution + 1) ** 3, 2**log2_size))
    return HashLevels(resolutions, tuple(starts))


def encode(
    x: Float[Tensor, "n 3"], tables: Float[Tensor, "rows features"], levels: HashLevels
) -> Float[Tensor, "n outputs"]:
    """Features of places in [0, 1]³, the coarsest level's first; outside they are extrapolated."""
    columns = []
    for level, resolution in enumerate(levels.resolutions):
        place = x * resolution
        low = place.detach().floor().clamp(0, resolution - 1)
        inside = (place - low)[:, None, :]
        offsets = OFFSETS.to(x.device)
        rows = corner_rows(low.long()[:, None, :] + offsets, levels, level)
        shares = torch.where(offsets == 1, inside, 1 - inside).prod(dim=-1)
        columns.append((shares[..., None] * tables[rows]).sum(dim=1))
    return torch.cat(columns, dim=-1)


def pull(
    x: Float[Tensor, "n 3"],
    tables: Float[Tensor, "rows features"],
    g: Float[Tensor, "n outputs"],
    levels: HashLevels,
) -> Float[Tensor, "n 3"]:
    """g times the Jacobian of the features in x; differentiable to any order."""
    with torch.enable_grad():
        x = x if x.requires_grad else x.detach().requires_grad_()
        (slope,) = torch.autograd.grad(encode(x, tables, levels), x, g, create_graph=True)
    return slope


def corner_rows(corners: Int[Tensor, "*n 3"], levels: HashLevels, level: int) -> Int[Tensor, "*n"]:
    """The rows of lattice points of a level, within the array of all levels."""
    i, j, k = corners.unbind(dim=-1)
    side = levels.resolutions[level] + 1
    start, end = levels.starts[level : level + 2]
    if levels.is_dense(level):
        return start + (i * side + j) * side + k
    return start + ((i * PRIMES[0]) ^ (j * PRIMES[1]) ^ (k * PRIMES[2])) % (end - start)
