# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface and its colours as networks, in the unit ball; what NeuS and Neuralangelo learn.

The gradient is that of the network itself, or a numerical one whose step follows the hash grid's
levels. It must not know photographs or losses.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lightkiln.ops.numerical_gradient import gradient_of, tap_points

from .hash_grid import HashGrid
from .radiance_network import RadianceNetwork, WorldNetwork
from .sdf_network import PlacedGrid, SdfNetwork, Waves


@dataclass(frozen=True, slots=True, kw_only=True)
class GridDesign:
    """A hash grid over the cube [-1, 1]³ about the unit ball."""

    num_levels: int
    coarsest: int
    finest: int
    log2_size: int
    num_features: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """How large the networks are and how they start."""

    encoding: int | GridDesign
    """Octaves of waves, or a hash grid."""
    width: int
    """Of the hidden layers of the distance, and so the number of its features."""
    depth: int
    skip: bool
    color_width: int
    color_depth: int
    world_width: int
    """Of the world beyond the ball; 0: there is none, since masks tell the object."""
    world_depth: int
    codes: int
    """Numbers of a photograph's code; 0: all were taken in the same light."""
    num_photos: int
    radius: float
    """Of the ball it starts as."""
    sharpness: float
    """s at the start, in units of 1 / the unit ball's radius."""
    sharpness_gain: float
    """s = exp(gain v): how much faster than other parameters the sharpness learns."""
    taps: int
    """Of the numerical gradient, 4 or 6; 0: the network's own."""


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """The surface at some places."""

    distance: Tensor
    """(n,) f"""
    features: Tensor
    """(n, features)"""
    gradient: Tensor
    """(n, 3)"""
    laplacian: Tensor | None
    """(n,); None with the network's own gradient."""


class NeuralSurface(nn.Module):
    """Distance, colour, sharpness, world and codes."""

    def __init__(self, design: Design, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.sdf = SdfNetwork(
                _encoding(design.encoding, seed),
                width=design.width,
                depth=design.depth,
                skip=design.skip,
                radius=design.radius,
            )
            self.color = RadianceNetwork(
                features=design.width,
                codes=design.codes,
                width=design.color_width,
                depth=design.color_depth,
            )
            self.world = (
                WorldNetwork(codes=design.codes, width=design.world_width, depth=design.world_depth)
                if design.world_width
                else None
            )
            codes = 1e-2 * torch.randn(design.num_photos, design.codes)
            self.codes = nn.Parameter(codes, requires_grad=design.codes > 0)
        self._gain, self._taps = design.sharpness_gain, design.taps
        self._log_sharpness = nn.Parameter(
            torch.tensor(math.log(design.sharpness) / design.sharpness_gain)
        )
        self.step = 1e-3
        """Of the numerical gradient; a schedule may change it."""

    @property
    def sharpness(self) -> Float[Tensor, ""]:
        """s, in units of 1 / the ball's radius."""
        return torch.exp(self._gain * self._log_sharpness)

    def set_sharpness(self, sharpness: float) -> None:
        """Tell it, where it is not learned."""
        with torch.no_grad():
            self._log_sharpness.fill_(math.log(sharpness) / self._gain)

    def learn_sharpness(self, learned: bool) -> None:
        """Whether the sharpness is a parameter or told."""
        self._log_sharpness.requires_grad_(learned)

    @property
    def grid(self) -> HashGrid | None:
        """The hash grid, if the distance has one."""
        encoding = self.sdf.encoding
        return encoding.grid if isinstance(encoding, PlacedGrid) else None

    def distance(self, x: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """f alone."""
        distance: Tensor = self.sdf(x)[0]
        return distance

    def geometry(self, x: Float[Tensor, "n 3"], *, learning: bool = True) -> Geometry:
        """All about some places; `learning`: the gradient is to be differentiated again."""
        if self._taps == 0:
            return self._own_geometry(x, learning)
        distance, features = self.sdf(x)
        around = self.distance(tap_points(x, self.step, self._taps).reshape(-1, 3))
        gradient, laplacian = gradient_of(around.reshape(-1, self._taps), distance, self.step)
        return Geometry(distance, features, gradient, laplacian)

    def _own_geometry(self, x: Tensor, learning: bool) -> Geometry:
        with torch.enable_grad():
            place = x.detach().requires_grad_()
            distance, features = self.sdf(place)
            (gradient,) = torch.autograd.grad(distance.sum(), place, create_graph=learning)
        return Geometry(distance, features, gradient, None)


def _encoding(design: int | GridDesign, seed: int) -> Waves | PlacedGrid:
    if isinstance(design, int):
        return Waves(design)
    return PlacedGrid(
        HashGrid(
            num_levels=design.num_levels,
            coarsest=design.coarsest,
            finest=design.finest,
            log2_size=design.log2_size,
            num_features=design.num_features,
            seed=seed,
        )
    )
