# SPDX-License-Identifier: GPL-3.0-or-later
"""PIFu (Saito et al. 2019, arXiv:1905.05172): a point's chance of being inside, from what the
pictures show where it falls, and its depth.

    f(F(pi(x)), z(x)) = s                                                          (their eq. 1)
    several views:  f2( mean over views of f1(F_i(pi_i(x)), z_i(x)) )    (their section 3.4, fig. 4)

F is a network's feature map, sampled bilinearly; pi a true perspective; z the depth less that of
the cube's middle. Every later layer is fed the sampled features again, as there. A point outside a
picture is outside. Colour is read by a second head from the same features, not by a second network.
Other than there: one small U-Net takes the place of four hourglasses; a depth is told by sines and
cosines as well; and the network also guesses where a lone photograph's camera stood (elevation,
window), so that the answer can be set upright.
It must not know data or meshes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

GROUPS = 8
OCTAVES = 3
GUESSED = 4
"""Elevation, and the window's middle and size: `frames.guess_of`."""
NEAREST = 0.1
"""Depth below which a point lies beside or behind the camera, in the cube's units."""
NO = -12.0
"""Logit of a point that a picture does not show: a chance of 6e-6."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """What a network found in pictures, before it is asked about points."""

    features: Tensor
    """(n, views, channels, h, w)."""
    guess: Tensor
    """(n, views, 4)."""


class Pifu(nn.Module):
    """Pictures, their projections and points in; logits, colours and a guessed camera out."""

    def __init__(self, channels: int = 48, width: int = 128) -> None:
        super().__init__()
        self.reader = Reader(channels)
        fed = channels + 1 + 2 * OCTAVES
        self.each = nn.ModuleList([nn.Linear(fed, width), nn.Linear(width + fed, width)])
        self.all = nn.ModuleList(
            [nn.Linear(width + fed, width), nn.Linear(width + fed, width // 2)]
        )
        self.inside = nn.Linear(width // 2 + fed, 1)
        self.color = nn.Sequential(
            nn.Linear(width // 2 + fed, width // 2), nn.LeakyReLU(0.1), nn.Linear(width // 2, 3)
        )

    def read(self, pictures: Float[Tensor, "n views 4 H H"]) -> Read:
        """Look at the pictures, once for all points."""
        features, guess = self.reader(pictures.flatten(0, 1))
        shape = pictures.shape[:2]
        return Read(features.view(*shape, *features.shape[1:]), guess.view(*shape, -1))

    def ask(
        self, read: Read, cameras: Float[Tensor, "n views 3 4"], x: Float[Tensor, "n points 3"]
    ) -> tuple[Float[Tensor, "n points"], Float[Tensor, "n points 3"]]:
        """Logits of being inside, and sRGB colours in [0, 1], at points."""
        places, depth, seen = projected(cameras, x)
        fed = torch.cat([sampled(read.features, places), waves(depth)], dim=-1)
        hidden = functional.leaky_relu(self.each[0](fed), 0.1)
        hidden = functional.leaky_relu(self.each[1](torch.cat([hidden, fed], -1)), 0.1)
        hidden, fed = hidden.mean(dim=1), fed.mean(dim=1)
        for layer in self.all:
            hidden = functional.leaky_relu(layer(torch.cat([hidden, fed], -1)), 0.1)
        last = torch.cat([hidden, fed], dim=-1)
        logits = torch.where(seen.all(dim=1), self.inside(last)[..., 0].float(), NO)
        return logits, self.color(last).float().sigmoid()


def waves(depth: Float[Tensor, "n views points"]) -> Float[Tensor, "n views points features"]:
    """A depth, and sines and cosines of pi, 2 pi, 4 pi times it."""
    turned = torch.stack([math.pi * 2.0**k * depth for k in range(OCTAVES)], dim=-1)
    return torch.cat([depth[..., None], turned.sin(), turned.cos()], dim=-1)


def projected(
    cameras: Float[Tensor, "n views 3 4"], x: Float[Tensor, "n points 3"]
) -> tuple[
    Float[Tensor, "n views points 2"],
    Float[Tensor, "n views points"],
    Bool[Tensor, "n views points"],
]:
    """Places in the pictures from -1 to 1, depths from the cube's middle, whether it is shown."""
    # Products one by one: a matrix product would be reckoned with 16 bits, a pixel too coarse.
    turned = (cameras[:, :, None, :, :3] * x[:, None, :, None]).sum(dim=-1)
    homogeneous = turned + cameras[..., None, :, 3]
    depth = homogeneous[..., 2]
    places = homogeneous[..., :2] / depth.clamp_min(NEAREST)[..., None]
    shown = (places.abs() <= 1.0).all(dim=-1) & (depth > NEAREST)
    return places, depth - cameras[..., None, 2, 3], shown


def sampled(
    features: Float[Tensor, "n views c h w"], places: Float[Tensor, "n views points 2"]
) -> Float[Tensor, "n views points c"]:
    """Features at places, bilinear; -1 and 1 are the picture's edges, not its outermost middles."""
    grid = places.flatten(0, 1)[:, :, None].to(features.dtype)
    found = functional.grid_sample(
        features.flatten(0, 1), grid, padding_mode="border", align_corners=False
    )
    return found[..., 0].transpose(1, 2).reshape(*places.shape[:3], -1)


class Reader(nn.Module):
    """A U-Net from 64 pixels to features of 32, and a guess from its bottom."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        half, low, bottom = channels, 2 * channels, 3 * channels
        self.stem = Layers(4, half, stride=2)
        self.down = nn.ModuleList(
            [Layers(half, low, 2), Layers(low, bottom, 2), Layers(bottom, bottom, 2)]
        )
        self.up = nn.ModuleList(
            [Layers(2 * bottom, bottom), Layers(bottom + low, low), Layers(low + half, channels)]
        )
        self.guess = nn.Sequential(
            nn.Flatten(), nn.Linear(16 * bottom, 96), nn.LeakyReLU(0.1), nn.Linear(96, GUESSED)
        )

    def forward(
        self, pictures: Float[Tensor, "n 4 H H"]
    ) -> tuple[Float[Tensor, "n c h h"], Float[Tensor, "n 4"]]:
        levels = [self.stem(pictures - 0.5)]
        for layers in self.down:
            levels.append(layers(levels[-1]))
        x = levels.pop()
        guess = self.guess(x)
        for layers in self.up:
            x = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = layers(torch.cat([x, levels.pop()], dim=1))
        return x, guess.float()


class Layers(nn.Module):
    """Two convolutions with group norm; the first may halve the side."""

    def __init__(self, before: int, after: int, stride: int = 1) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False),
            nn.GroupNorm(GROUPS, after),
            nn.LeakyReLU(0.1),
            nn.Conv2d(after, after, 3, 1, 1, bias=False),
            nn.GroupNorm(GROUPS, after),
            nn.LeakyReLU(0.1),
        )

    def forward(self, x: Float[Tensor, "n a H H"]) -> Float[Tensor, "n b h h"]:
        found: Tensor = self.layers(x)
        return found
