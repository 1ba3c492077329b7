# SPDX-License-Identifier: GPL-3.0-or-later
"""Trilinear interpolation on bricks and spherical harmonics, in torch: the kernels' readable twin.

Positions are in lattice units (see `kernels.arrays`). It must not know rays.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from .bricks import BRICK

OFFSETS = torch.tensor([[i, j, k] for i in (0, 1) for j in (0, 1) for k in (0, 1)])
"""The corners of a cell, z fastest."""


def cell_points(
    table: Int[Tensor, "a b c"], positions: Float[Tensor, "n 3"]
) -> tuple[Int[Tensor, "n 8"], Float[Tensor, "n 8"], Bool[Tensor, " n"]]:
    """Return the cells' points, their shares, and whether all eight of them are stored.

    A point that is not stored gets index 0; positions outside the lattice count as not stored.
    """
    offsets = OFFSETS.to(positions.device)
    low = positions.floor()
    inside = positions - low
    corner = low.long()[:, None, :] + offsets
    size = torch.tensor(table.shape, device=positions.device) * BRICK
    within = ((corner >= 0) & (corner < size)).all(dim=-1)
    corner = torch.where(within[..., None], corner, 0)
    a, b, c = (corner // BRICK).unbind(dim=-1)
    i, j, k = (corner % BRICK).unbind(dim=-1)
    slot = table[a, b, c].long()
    stored = within & (slot >= 0)
    points = slot * BRICK**3 + i * BRICK**2 + j * BRICK + k
    shares = torch.where(offsets == 1, inside[:, None, :], 1 - inside[:, None, :]).prod(dim=-1)
    return torch.where(stored, points, 0), shares, stored.all(dim=-1)


def interpolate(
    values: Float[Tensor, "points channels"],
    points: Int[Tensor, "n 8"],
    shares: Float[Tensor, "n 8"],
) -> Float[Tensor, "n channels"]:
    """Sum of share times value over the corners."""
    return (shares[..., None] * values[points]).sum(dim=1)


def harmonics(directions: Float[Tensor, "n 3"]) -> Float[Tensor, "n 4"]:
    """Real spherical harmonics of degree 0 and 1, scaled to a first of 1: 1, y, z, x."""
    x, y, z = directions.unbind(dim=-1)
    return torch.stack([torch.ones_like(x), y, z, x], dim=-1)
