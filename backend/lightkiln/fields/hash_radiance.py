# SPDX-License-Identifier: GPL-3.0-or-later
"""A radiance field on a hash grid (instant-ngp: Müller et al. 2022, arXiv:2201.05989, section 5.4).

    features = density network(hash(x));   sigma = exp(features_0)
    color    = color network(features, spherical harmonics of the direction)

Places are those of the unit ball's frame. With a world beyond, all of space is drawn together into
a ball of radius 2 first (Barron et al. 2022, arXiv:2111.12077, eq. 10):

    contract(x) = x,  |x| <= 1;   (2 - 1 / |x|) x / |x|  beyond

It must not know rays.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightkiln.ops.encodings import HARMONICS, harmonics

from .hash_grid import HashGrid
from .short_numbers import short_numbers

FEATURES = 16
"""Of a place, as the colour gets to know them."""
LARGEST = 11.0
"""Of sigma's logarithm: exp(11) is opaque within 1e-4 of a radius, and float16 can hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The field's make."""

    num_levels: int
    coarsest: int
    finest: int
    """Cells along the side of the cube about the unit ball."""
    log2_size: int
    num_features: int
    width: int
    """Of both networks."""
    world: bool
    """Whether there is something beyond the unit ball."""


class HashRadiance(nn.Module):
    """Density and colour of places."""

    def __init__(self, design: Design, seed: int) -> None:
        super().__init__()
        self._reach = 2.0 if design.world else 1.0
        self.grid = HashGrid(
            num_levels=design.num_levels,
            coarsest=design.coarsest,
            finest=round(design.finest * self._reach),
            log2_size=design.log2_size,
            num_features=design.num_features,
            seed=seed,
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            wide = design.width
            self._density = nn.Sequential(
                nn.Linear(self.grid.num_outputs, wide), nn.ReLU(), nn.Linear(wide, FEATURES)
            )
            self._color = nn.Sequential(
                nn.Linear(FEATURES + HARMONICS, wide),
                nn.ReLU(),
                nn.Linear(wide, wide),
                nn.ReLU(),
                nn.Linear(wide, 3),
            )

    @property
    def tables(self) -> nn.Parameter:
        """The hash grid's rows: of each step, few learn."""
        return self.grid.tables

    def networks(self) -> list[nn.Parameter]:
        """All other parameters."""
        return [*self._density.parameters(), *self._color.parameters()]

    def features(self, x: Float[Tensor, "n 3"]) -> Float[Tensor, "n 16"]:
        """What is known of a place; the first is the density's logarithm."""
        place = contract(x) if self._reach > 1.0 else x
        encoded = self.grid((place / self._reach + 1.0) * 0.5)
        with short_numbers(x.device):
            known: Tensor = self._density(encoded)
        return known.float()

    def density(self, x: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """sigma, in 1 / radius of the ball."""
        return density_of(self.features(x))

    def color(
        self, features: Float[Tensor, "n 16"], directions: Float[Tensor, "n 3"]
    ) -> Float[Tensor, "n 3"]:
        """sRGB values in [0, 1]."""
        with short_numbers(directions.device):
            color: Tensor = self._color(torch.cat([features, harmonics(directions)], dim=-1))
        return torch.sigmoid(color.float())


def density_of(features: Float[Tensor, "n 16"]) -> Float[Tensor, " n"]:
    """sigma of known places."""
    return torch.exp(features[:, 0].clamp(max=LARGEST))


def contract(x: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
    """All of space within a ball of radius 2; the unit ball stays as it is."""
    r = x.norm(dim=-1, keepdim=True).clamp(min=1.0)
    drawn: Tensor = (2.0 - 1.0 / r) * x / r
    return drawn
