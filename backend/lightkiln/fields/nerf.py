# SPDX-License-Identifier: GPL-3.0-or-later
"""A neural radiance field (NeRF: Mildenhall et al. 2020, arXiv:2003.08934), coarse and fine.

    (sigma, z) = F(gamma_10(x));   color = G(z, gamma_4(d))                          (section 5.1)
    N_c samples, one in each of N_c equal sections; then N_f more by the coarse weights  (eqs. 2, 5)

Three departures: sigma is softplus of the network where the paper has max(0, .), which never learns
if it begins below 0 everywhere; a ray's samples share one jitter; and with a world beyond the ball,
half as many samples again are laid outside, evenly in 1 / t, and places are contracted as in
`hash_radiance`. Rays are in the frame of the unit ball. It must not know photographs or losses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from lightkiln.ops.encodings import frequencies
from lightkiln.ops.inverted_sphere import outwards
from lightkiln.ops.ray_samples import ball_span, evenly, inverse_cdf
from lightkiln.ops.volume_rendering import composite, weights_of

from .hash_radiance import contract
from .radiance_render import Bundle, Radiance, Seen
from .short_numbers import short_numbers

LAST = 1e10
"""Length of a ray's last section with a world beyond: as good as endless, as in the paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """The make of both networks, and how rays are sampled."""

    width: int
    depth: int
    skip: int
    """The layer at which the place joins again; 0: none."""
    octaves: int
    """Of places."""
    view_octaves: int
    coarse: int
    """N_c."""
    fine: int
    """N_f."""
    world: bool


class RadianceNetwork(nn.Module):
    """F and G."""

    def __init__(self, design: Design) -> None:
        super().__init__()
        self._design, width = design, design.width
        place, view = 3 + 6 * design.octaves, 3 + 6 * design.view_octaves
        self._layers = nn.ModuleList(
            nn.Linear(
                (place if layer == 0 else width) + (place if self._joins(layer) else 0), width
            )
            for layer in range(design.depth)
        )
        self._density, self._known = nn.Linear(width, 1), nn.Linear(width, width)
        self._color = nn.Sequential(
            nn.Linear(width + view, width // 2), nn.ReLU(), nn.Linear(width // 2, 3)
        )

    def forward(
        self, x: Float[Tensor, "n 3"], directions: Float[Tensor, "n 3"]
    ) -> tuple[Float[Tensor, " n"], Float[Tensor, "n 3"]]:
        """sigma, 1 / radius, and sRGB values."""
        view = frequencies(directions, self._design.view_octaves)
        with short_numbers(x.device):
            hidden = self._hidden(x)
            color = self._color(torch.cat([self._known(hidden), view], dim=-1))
            density = self._density(hidden)[:, 0]
        return softplus(density.float()), torch.sigmoid(color.float())

    def density(self, x: Float[Tensor, "n 3"]) -> Float[Tensor, " n"]:
        """sigma alone."""
        with short_numbers(x.device):
            density = self._density(self._hidden(x))[:, 0]
        return softplus(density.float())

    def _hidden(self, x: Tensor) -> Tensor:
        place = frequencies(contract(x) if self._design.world else x, self._design.octaves)
        hidden = place
        for layer, linear in enumerate(self._layers):
            if self._joins(layer):
                hidden = torch.cat([hidden, place], dim=-1)
            hidden = relu(linear(hidden))
        return hidden

    def _joins(self, layer: int) -> bool:
        return 0 < layer == self._design.skip


class NeRF(Radiance):
    """Two networks, of which the coarse one tells the fine one where to look."""

    def __init__(self, design: Design, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.coarse, self.fine = RadianceNetwork(design), RadianceNetwork(design)
        self._design = design

    def look(self, rays: Bundle, learning: bool) -> list[Seen]:
        near, far, hits = ball_span(rays.origins, rays.directions)
        t = evenly(near, far, self._design.coarse, rays.jitter)
        if self._design.world:
            beyond = outwards(far.clamp(min=1e-3), self._design.coarse // 2, rays.jitter)
            t = torch.cat([t, beyond], dim=-1)
        end = far if not self._design.world else torch.full_like(far, LAST)
        first, weights = self._through(self.coarse, rays, t, end, hits)
        more = inverse_cdf(t, weights.detach()[:, :-1], self._design.fine)
        t = torch.cat([t, more], dim=-1).sort(dim=-1).values
        return [first, self._through(self.fine, rays, t, end, hits)[0]]

    def _through(
        self, network: RadianceNetwork, rays: Bundle, t: Tensor, end: Tensor, hits: Tensor
    ) -> tuple[Seen, Tensor]:
        """What a network shows at samples t (rays, samples), and their weights."""
        x = rays.origins[:, None] + t[..., None] * rays.directions[:, None]
        directions = rays.directions[:, None].expand_as(x).reshape(-1, 3)
        density, color = network(x.reshape(-1, 3), directions)
        lengths = torch.cat([t, end[:, None]], dim=-1).diff(dim=-1).clamp(min=0.0)
        thickness = density.reshape(t.shape) * lengths
        if not self._design.world:
            thickness = thickness * hits[:, None]
        weights, left = weights_of(-thickness)
        return Seen(color=composite(weights, color.reshape(x.shape)), left=left), weights

    def density(self, x: Tensor) -> Tensor:
        return self.fine.density(x)

    def refresh(self, draw: np.random.Generator) -> None:
        """A NeRF remembers nothing beside its networks."""
