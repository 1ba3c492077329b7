# SPDX-License-Identifier: GPL-3.0-or-later
"""A small network that is told a noise level and a viewpoint, and at first says nothing.

A picture is taken in blocks of 4 x 4 pixels, which know where they are. It must not know priors, or
what it is taught.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from lightkiln.priors.prior import Viewpoints

BLOCK = 4
"""Pixels of a block's side; a picture's side is a multiple of it."""
WIDTH = 96
REACH = (1, 2, 4, 1)
"""Of the layers, in blocks."""
OCTAVES = 4
"""Of t and of the place."""
NUM_CIRCUMSTANCES = 2 * OCTAVES + 7


def circumstances(
    t: Float[Tensor, " b"], viewpoints: Viewpoints
) -> Float[Tensor, "b circumstances"]:
    """A noise level and where the camera stands, as numbers of about 1."""
    azimuth = viewpoints.azimuth
    turns = [f(k * azimuth) for k in (1, 2) for f in (torch.sin, torch.cos)]
    stand = [viewpoints.elevation, viewpoints.distance - 2.5, viewpoints.fov - 0.8]
    seen = torch.stack([*turns, *stand], dim=-1).to(t)
    return torch.cat([_waves(t[:, None]), seen], dim=-1)


class ScoreNetwork(nn.Module):
    """The network; at first it answers 0 to everything."""

    def __init__(self, channels: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.told = nn.Sequential(
                nn.Linear(NUM_CIRCUMSTANCES, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.SiLU()
            )
            self.enter = nn.Conv2d(channels * BLOCK**2 + 4 * OCTAVES, WIDTH, 1)
            self.layers = nn.ModuleList(_Layer(reach) for reach in REACH)
            self.leave = nn.Conv2d(WIDTH, channels * BLOCK**2, 1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def forward(
        self, z: Float[Tensor, "b d i j"], told: Float[Tensor, "b circumstances"]
    ) -> Float[Tensor, "b d i j"]:
        """Of a noisy picture, something of its shape."""
        blocks = F.pixel_unshuffle(z, BLOCK)
        x = self.enter(torch.cat([blocks, _places(blocks)], dim=1))
        known = self.told(told)
        for layer in self.layers:
            x = layer(x, known)
        return F.pixel_shuffle(self.leave(F.silu(x)), BLOCK)


class _Layer(nn.Module):
    """A residual layer whose scale and shift the circumstances decide."""

    def __init__(self, reach: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(8, WIDTH, affine=False)
        self.told = nn.Linear(WIDTH, 2 * WIDTH)
        self.across = nn.Conv2d(WIDTH, WIDTH, 3, padding=reach, dilation=reach)
        self.within = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x: Tensor, known: Tensor) -> Tensor:
        scale, shift = self.told(known)[:, :, None, None].chunk(2, dim=1)
        y = F.silu((1.0 + scale) * self.norm(x) + shift)
        return x + self.within(F.silu(self.across(y)))  # type: ignore[no-any-return]


def _waves(x: Tensor) -> Tensor:
    """Sines and cosines (..., 2 OCTAVES n) of x (..., n), x in [0, 1]."""
    angles = torch.cat([math.pi * 2.0**k * x for k in range(OCTAVES)], dim=-1)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)


def _places(blocks: Tensor) -> Tensor:
    """Where each block is, (b, 4 OCTAVES, i, j)."""
    rows, columns = (torch.linspace(0.0, 1.0, n).to(blocks) for n in blocks.shape[-2:])
    place = torch.stack(torch.meshgrid(rows, columns, indexing="ij"), dim=-1)
    return _waves(place).permute(2, 0, 1).expand(len(blocks), -1, -1, -1)
