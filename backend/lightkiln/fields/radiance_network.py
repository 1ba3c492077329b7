# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours as networks: of a surface, and of the world beyond the unit ball.

    color(x, d, n, z, e) -> sRGB      NeuS / IDR (Yariv et al. 2020): place, direction of sight,
                                      normal, features of the distance, code of the photograph
    world(x', d, e) -> density, sRGB  NeRF++ (Zhang et al. 2020) at folded places

Directions enter as spherical harmonics of degree 0 to 3. It must not know rays.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu, softplus
from torch.nn.utils.parametrizations import weight_norm

from lightkiln.ops.encodings import HARMONICS, harmonics
from lightkiln.ops.inverted_sphere import folded

from .sdf_network import Waves

WORLD_WAVES = 10
"""Octaves of a folded place."""
WORLD_SKIP = 4
"""The layer of the world at which its input joins again."""


class RadianceNetwork(nn.Module):
    """The colour of a surface."""

    def __init__(self, *, features: int, codes: int, width: int, depth: int) -> None:
        """`codes`: numbers of a photograph's code, perhaps 0."""
        super().__init__()
        sizes = [3 + HARMONICS + 3 + features + codes, *[width] * depth]
        self._layers = nn.ModuleList(
            weight_norm(nn.Linear(wide, narrow))
            for wide, narrow in zip(sizes, [*sizes[1:], 3], strict=True)
        )

    def forward(
        self,
        x: Float[Tensor, "n 3"],
        direction: Float[Tensor, "n 3"],
        normal: Float[Tensor, "n 3"],
        features: Float[Tensor, "n features"],
        code: Float[Tensor, "n codes"],
    ) -> Float[Tensor, "n 3"]:
        hidden = torch.cat([x, harmonics(direction), normal, features, code], dim=-1)
        for layer in self._layers[:-1]:
            hidden = relu(layer(hidden))
        return torch.sigmoid(self._layers[-1](hidden))


class WorldNetwork(nn.Module):
    """Density and colour beyond the unit ball."""

    def __init__(self, *, codes: int, width: int, depth: int) -> None:
        super().__init__()
        self._encoding = Waves(WORLD_WAVES, dimensions=4)
        inputs = self._encoding.num_outputs
        self._layers = nn.ModuleList(
            nn.Linear(
                (inputs if index == 0 else width) + (inputs if index == WORLD_SKIP else 0), width
            )
            for index in range(depth)
        )
        self._density = nn.Linear(width, 1)
        self._color = nn.Sequential(
            nn.Linear(width + HARMONICS + codes, width // 2), nn.ReLU(), nn.Linear(width // 2, 3)
        )

    def forward(
        self,
        x: Float[Tensor, "n 3"],
        direction: Float[Tensor, "n 3"],
        code: Float[Tensor, "n codes"],
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
        encoded = hidden = self._encoding(folded(x))
        for index, layer in enumerate(self._layers):
            if index == WORLD_SKIP:
                hidden = torch.cat([hidden, encoded], dim=-1)
            hidden = relu(layer(hidden))
        density = softplus(self._density(hidden)[:, 0])
        color = self._color(torch.cat([hidden, harmonics(direction), code], dim=-1))
        return density, torch.sigmoid(color)
