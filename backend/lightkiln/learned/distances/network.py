# SPDX-License-Identifier: GPL-3.0-or-later
"""The auto-decoder: a shape's code and a place in, the signed distance there out.

    s = f(z, x)      (Park et al. 2019, arXiv:1901.05103, eq. 5), negative inside

Layers with weight norm, into whose middle code and place are fed again (fig. 4 there). Unlike the
paper's, the places come with waves of low frequency (Mildenhall et al. 2020, eq. 4), without which
so small a network learns chairs without legs; and the code enters through a layer of its own, once
for all places of a shape.

The codes of the shapes that it was taught are kept: they are the starts of a search for new ones,
and their mean m and covariance the prior of those, z ~ N(m, L Lᵀ), of which a code is written as
z = m + L w, w ~ N(0, 1). It must not know losses, datasets or points.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu
from torch.nn.utils.parametrizations import weight_norm

OCTAVES = 3
"""Of the waves: the shortest is half a unit of the cube long, or eight legs of a chair."""
LEAST_SHARE = 1e-3
"""Of the codes' mean variance, added to each: fewer shapes than numbers leave some without any."""


class AutoDecoder(nn.Module):
    """Signed distances in the cube of `world.things`, and the codes of the shapes taught."""

    family: Tensor

    def __init__(
        self, shapes: int, families: int, code: int = 64, width: int = 192, layers: int = 6
    ) -> None:
        super().__init__()
        self.codes = nn.Embedding(shapes, code)
        nn.init.normal_(self.codes.weight, std=1.0 / math.sqrt(code))
        self.families = families
        self.register_buffer("family", torch.zeros(shapes, dtype=torch.int64))
        self.before = _Fed(code, width)
        self.first = _hidden(width, layers // 2 - 1)
        self.again = _Fed(code, width)
        self.between = weight_norm(nn.Linear(width, width, bias=False))
        self.second = _hidden(width, layers - layers // 2 - 1)
        self.last = nn.Linear(width, 1)

    def forward(
        self, code: Float[Tensor, "#b code"], x: Float[Tensor, "#b n 3"]
    ) -> Float[Tensor, "b n"]:
        """f; `x` may be of one row, for all codes alike."""
        waves = _waves(x)
        h = self.first(relu(self.before(code, waves)))
        h = self.second(relu(self.between(h) + self.again(code, waves)))
        distance: Tensor = self.last(h.float())[..., 0]
        return distance

    def prior(self) -> tuple[Float[Tensor, " code"], Float[Tensor, "code code"]]:
        """m and L."""
        codes = self.codes.weight.detach()
        mean = codes.mean(dim=0)
        away = codes - mean
        covariance = away.T @ away / len(codes)
        least = LEAST_SHARE * covariance.diagonal().mean() * torch.eye(len(mean)).to(codes)
        return mean, torch.linalg.cholesky(covariance + least)

    def family_means(self) -> Float[Tensor, "families code"]:
        """The middle of each family's codes; of all codes, for one without a shape."""
        codes = self.codes.weight.detach()
        parts = [codes[self.family == each] for each in range(self.families)]
        return torch.stack([(part if len(part) else codes).mean(dim=0) for part in parts])


def codes_between(
    a: Float[Tensor, " code"], b: Float[Tensor, " code"], count: int
) -> Float[Tensor, "count code"]:
    """On the straight line from one code to another, both among them (their section 6.4).

    z(t) = (1 - t) a + t b
    """
    return torch.lerp(a, b, torch.linspace(0.0, 1.0, count).to(a)[:, None])


class _Fed(nn.Module):
    """A code and waves as one layer sees them: W z + V waves + b, W z once for a shape."""

    def __init__(self, code: int, width: int) -> None:
        super().__init__()
        self.of_code = nn.Linear(code, width)
        self.of_place = nn.Linear(3 + 6 * OCTAVES, width, bias=False)

    def forward(self, code: Tensor, waves: Tensor) -> Float[Tensor, "b n width"]:
        fed: Tensor = self.of_code(code)[:, None] + self.of_place(waves)
        return fed


def _hidden(width: int, count: int) -> nn.Sequential:
    layers = (weight_norm(nn.Linear(width, width)) for _ in range(count))
    return nn.Sequential(*(each for layer in layers for each in (layer, nn.ReLU())))


def _waves(x: Float[Tensor, "b n 3"]) -> Float[Tensor, "b n waves"]:
    """x, sin(2^k pi x), cos(2^k pi x)."""
    angles = [math.pi * 2.0**k * x for k in range(OCTAVES)]
    return torch.cat([x, *(turn(angle) for angle in angles for turn in (torch.sin, torch.cos))], -1)


def starting_codes(
    voxels: Float[Tensor, "shapes cells"], size: int
) -> Float[Tensor, "shapes size"]:
    """Codes to begin training from: principal components of coarse voxels, of the paper's scale.

    The paper draws N(0, 1 / size) and takes hours to sort them; like shapes are neighbours here
    from the first step. Components are weighed by the root of their spread, so that small ones are
    still told apart. Those that the shapes do not have are 0.
    """
    u, spread, _ = torch.linalg.svd(voxels - voxels.mean(dim=0), full_matrices=False)
    codes = torch.zeros(len(voxels), size)
    kept = min(size, len(spread))
    codes[:, :kept] = u[:, :kept] * spread[:kept].sqrt()
    # Like shapes only have no spread at all: a thousandth is below every other.
    return codes / codes.square().mean().sqrt().clamp_min(1e-3) / math.sqrt(size)
