# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancy networks (Mescheder et al. 2019, arXiv:1812.03828): a picture's code, and with it the
chance that a point is inside.

    p(x) = sigmoid f(x, c),  c = g(picture)                                        (their eq. 1)
    CBN:  out = gamma(c) (in - mean) / sqrt(variance + eps) + beta(c)   (their supplement, eq. 1)

Five residual blocks as there, half as wide. Other than there: the encoder is small and learned from
scratch, its input has an alpha, and a point is told by sines and cosines as well (three octaves),
for thin legs. It must not know data or meshes.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

BLOCKS = 5
OCTAVES = 3


class OccupancyNetwork(nn.Module):
    """A picture and points in; logits of being inside out."""

    def __init__(self, code: int = 256, width: int = 128, channels: int = 32) -> None:
        super().__init__()
        self.encoder = Encoder(code, channels)
        self.first = nn.Linear(3 + 6 * OCTAVES, width)
        self.blocks = nn.ModuleList(Block(width, code) for _ in range(BLOCKS))
        self.norm = ConditionalNorm(width, code)
        self.last = nn.Linear(width, 1)

    def decode(
        self, code: Float[Tensor, "n code"], x: Float[Tensor, "n points 3"]
    ) -> Float[Tensor, "n points"]:
        """Logits at points in the camera's azimuth frame."""
        hidden = self.first(waves(x))
        for block in self.blocks:
            hidden = block(hidden, code)
        logits: Tensor = self.last(functional.relu(self.norm(hidden, code)))
        return logits[..., 0]

    def forward(
        self, pictures: Float[Tensor, "n 4 H H"], x: Float[Tensor, "n points 3"]
    ) -> Float[Tensor, "n points"]:
        """Both at once."""
        return self.decode(self.encoder(pictures), x)


class Encoder(nn.Module):
    """A small residual network: 64 pixels to 4, then all of them to a code."""

    def __init__(self, code: int, channels: int) -> None:
        super().__init__()
        widths = [channels, 2 * channels, 4 * channels, 6 * channels]
        self.stem = nn.Sequential(
            nn.Conv2d(4, channels, 5, 2, 2, bias=False), nn.BatchNorm2d(channels), nn.ReLU()
        )
        self.stages = nn.Sequential(*(Stage(before, after) for before, after in pairwise(widths)))
        self.head = nn.Sequential(
            nn.Flatten(), nn.Linear(16 * widths[-1], code), nn.ReLU(), nn.Linear(code, code)
        )

    def forward(self, pictures: Float[Tensor, "n 4 64 64"]) -> Float[Tensor, "n code"]:
        """The picture's code."""
        code: Tensor = self.head(self.stages(self.stem(pictures - 0.5)))
        return code


class Stage(nn.Module):
    """Half as many pixels a side, more channels; two layers beside a shorter way."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, 2, 1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.short = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(before, after, 1))

    def forward(self, x: Float[Tensor, "n a H H"]) -> Float[Tensor, "n b h h"]:
        both: Tensor = self.layers(x) + self.short(x)
        return functional.relu(both)


class ConditionalNorm(nn.Module):
    """Batch norm whose gain and offset the code decides; at first it is a plain one."""

    def __init__(self, width: int, code: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width, affine=False)
        self.gain, self.offset = nn.Linear(code, width), nn.Linear(code, width)
        for layer, bias in ((self.gain, 1.0), (self.offset, 0.0)):
            nn.init.zeros_(layer.weight)
            nn.init.constant_(layer.bias, bias)

    def forward(
        self, x: Float[Tensor, "n points width"], code: Float[Tensor, "n code"]
    ) -> Float[Tensor, "n points width"]:
        plain = self.norm(x.flatten(0, 1)).view_as(x)
        found: Tensor = self.gain(code)[:, None] * plain + self.offset(code)[:, None]
        return found


class Block(nn.Module):
    """Two layers, each after a conditional norm, added to what came in; at first they add 0."""

    def __init__(self, width: int, code: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(ConditionalNorm(width, code) for _ in range(2))
        layers = [nn.Linear(width, width) for _ in range(2)]
        nn.init.zeros_(layers[1].weight)
        self.layers = nn.ModuleList(layers)

    def forward(
        self, x: Float[Tensor, "n points width"], code: Float[Tensor, "n code"]
    ) -> Float[Tensor, "n points width"]:
        hidden = x
        for norm, layer in zip(self.norms, self.layers, strict=True):
            hidden = layer(functional.relu(norm(hidden, code)))
        return x + hidden


def waves(x: Float[Tensor, "n points 3"]) -> Float[Tensor, "n points features"]:
    """A point, and sines and cosines of pi, 2 pi, 4 pi times its coordinates."""
    turned = torch.cat([math.pi * 2.0**k * x for k in range(OCTAVES)], dim=-1)
    return torch.cat([x, turned.sin(), turned.cos()], dim=-1)
