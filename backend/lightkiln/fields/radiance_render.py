# SPDX-License-Identifier: GPL-3.0-or-later
"""What rays see of a hash radiance field: samples in occupied cells, and beyond the ball.

Rays are in the frame of the unit ball. It must not know photographs or losses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from lightkiln.ops.inverted_sphere import outwards
from lightkiln.ops.kernels.occupancy_torch import occupied
from lightkiln.ops.packed_rendering import packed_light, packed_sum, packed_weights
from lightkiln.ops.ray_samples import ball_span
from lightkiln.ops.volume_rendering import composite, weights_of

from .hash_radiance import HashRadiance, density_of
from .occupancy import Occupancy

FAINT = 1e-4
"""Samples of less weight get no colour: it could not be seen in 8 bits."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """Rays that are rendered together."""

    origins: Tensor
    """(rays, 3)"""
    directions: Tensor
    """(rays, 3), unit."""
    jitter: Tensor
    """(rays,) in [0, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What rays see."""

    color: Tensor
    """(rays, 3) sRGB values, times their opacity."""
    left: Tensor
    """(rays,) the light that passes everything, in [0, 1]."""


class Radiance(nn.Module):
    """A field with what is needed to look at it; what a radiance method trains and shows."""

    def look(self, rays: Bundle, learning: bool) -> list[Seen]:
        """What rays see; of several answers the last is the best, and all of them learn."""
        raise NotImplementedError

    def density(self, x: Tensor) -> Tensor:
        """sigma (n,) at places (n, 3) of the ball's frame; 0 where nothing can be."""
        raise NotImplementedError

    def refresh(self, draw: np.random.Generator) -> None:
        """Take stock, every few steps of learning."""
        raise NotImplementedError


class SparseRadiance(Radiance):
    """A hash radiance field with its occupancy."""

    def __init__(
        self, field: HashRadiance, allowed: Tensor, samples: int, world_samples: int
    ) -> None:
        """`samples` across the ball; `world_samples` beyond it, 0 without a world."""
        super().__init__()
        self.field, self.occupancy = field, Occupancy(allowed)
        self._step, self._world_samples = 2.0 / samples, world_samples

    def look(self, rays: Bundle, learning: bool) -> list[Seen]:
        near, far, _ = ball_span(rays.origins, rays.directions)
        t, ray = self.occupancy.march(
            rays.origins, rays.directions, near, far, rays.jitter, self._step
        )
        if learning:
            t, ray = self._lit(rays, t, ray)
        direction = rays.directions[ray]
        features = self.field.features(rays.origins[ray] + t[:, None] * direction)
        weights, left = packed_weights(density_of(features) * self._step, ray, len(rays.origins))
        seen = (weights.detach() > FAINT).nonzero()[:, 0]
        colors = self.field.color(features[seen], direction[seen])
        color = packed_sum(weights[seen], colors, ray[seen], len(rays.origins))
        if self._world_samples == 0:
            return [Seen(color=color, left=left)]
        beyond = self._beyond(rays, far)
        return [Seen(color=color + left[:, None] * beyond.color, left=left * beyond.left)]

    @torch.no_grad()
    def _lit(self, rays: Bundle, t: Tensor, ray: Tensor) -> tuple[Tensor, Tensor]:
        """The samples that light reaches: to learn from a sample costs far more than to look."""
        density = self.field.density(rays.origins[ray] + t[:, None] * rays.directions[ray])
        lit = packed_light(density * self._step, ray, len(rays.origins)) > FAINT
        return t[lit], ray[lit]

    def _beyond(self, rays: Bundle, far: Tensor) -> Seen:
        """What is seen outside of the ball; the last section has no end."""
        count = self._world_samples
        t = outwards(far.clamp(min=1e-3), count, rays.jitter)  # a camera's own place: no sample
        x = rays.origins[:, None] + t[..., None] * rays.directions[:, None]
        features = self.field.features(x.reshape(-1, 3))
        density = density_of(features).reshape(t.shape)
        lengths = torch.cat([t[:, 1:] - t[:, :-1], torch.full_like(t[:, :1], 1e10)], dim=-1)
        weights, left = weights_of(-(density * lengths))
        directions = rays.directions[:, None].expand_as(x).reshape(-1, 3)
        colors = self.field.color(features, directions).reshape(x.shape)
        return Seen(color=composite(weights, colors), left=left)

    def density(self, x: Tensor) -> Tensor:
        out = torch.zeros_like(x[:, 0])
        there = occupied(self.occupancy.occupied, x)
        out[there] = self.field.density(x[there])
        return out

    def refresh(self, draw: np.random.Generator) -> None:
        self.occupancy.refresh(self._dense, self._step, draw)

    def _dense(self, x: Tensor) -> Tensor:
        return torch.cat([self.field.density(part) for part in torch.split(x, 1 << 17)])
