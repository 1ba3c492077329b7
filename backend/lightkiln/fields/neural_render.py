# SPDX-License-Identifier: GPL-3.0-or-later
"""What rays see of a neural surface and of the world behind it (`ops.neus`, NeRF++).

Rays are in the frame of the unit ball; those that miss it see the world alone.
It must not know photographs or losses.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import normalize

from lightkiln.ops.inverted_sphere import outwards
from lightkiln.ops.neus import falling_slope, finer, passed_through
from lightkiln.ops.ray_samples import ball_span, evenly
from lightkiln.ops.volume_rendering import composite, weights_of

from .neural_surface import NeuralSurface


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How many samples a ray gets."""

    even: int
    """At equal distances, at first."""
    rounds: int
    """Of up-sampling."""
    more: int
    """In each round."""
    world: int
    """Beyond the ball."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bundle:
    """Rays that are rendered together."""

    origins: Tensor
    """(rays, 3)"""
    directions: Tensor
    """(rays, 3), unit."""
    codes: Tensor
    """(rays, codes), of the photographs they belong to."""
    jitter: Tensor
    """(rays,) in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Seen:
    """What rays see."""

    color: Tensor
    """(rays, 3) of the surface alone, times its opacity."""
    left: Tensor
    """(rays,) light that passes the surface, in [0, 1]."""
    behind: Tensor | None
    """(rays, 3) colour of the world; None without one."""
    gradient: Tensor
    """(rays, sections, 3)"""
    laplacian: Tensor | None
    """(rays, sections)"""


def look(
    surface: NeuralSurface,
    rays: Bundle,
    sampling: Sampling,
    progress: float,
    *,
    learning: bool = True,
) -> Seen:
    """Render rays; `progress` in [0, 1] anneals the slope (`ops.neus`)."""
    near, far, meets = ball_span(rays.origins, rays.directions)
    t = _samples(surface, rays, near, far, sampling)
    middle, width = 0.5 * (t[:, 1:] + t[:, :-1]), t[:, 1:] - t[:, :-1]
    x = _along(rays, middle)
    found = surface.geometry(x.reshape(-1, 3), learning=learning)
    gradient, directions = found.gradient.reshape(x.shape), _repeated(rays.directions, middle)
    cosine = (gradient.reshape(-1, 3) * directions).sum(dim=-1).reshape(middle.shape)
    passed = passed_through(
        found.distance.reshape(middle.shape),
        falling_slope(cosine, progress),
        width,
        surface.sharpness,
    )
    weights, left = weights_of(torch.where(meets[:, None], passed, 0.0))
    color = surface.color(
        x.reshape(-1, 3),
        directions,
        normalize(found.gradient, dim=-1),
        found.features,
        _repeated(rays.codes, middle),
    )
    return Seen(
        color=composite(weights, color.reshape(x.shape)),
        left=left,
        behind=_world(surface, rays, far, sampling.world),
        gradient=gradient,
        laplacian=None if found.laplacian is None else found.laplacian.reshape(middle.shape),
    )


@torch.no_grad()
def _samples(
    surface: NeuralSurface, rays: Bundle, near: Tensor, far: Tensor, sampling: Sampling
) -> Tensor:
    """t (rays, samples), in order: even ones, then more where the surface seems to be."""

    def distances(t: Tensor) -> Tensor:
        return surface.distance(_along(rays, t).reshape(-1, 3)).reshape(t.shape)

    t = evenly(near, far, sampling.even, rays.jitter)
    f = distances(t) if sampling.rounds else t
    for round in range(sampling.rounds):
        fresh = finer(t, f, round, sampling.more)
        t, order = torch.cat([t, fresh], dim=-1).sort(dim=-1)
        if round + 1 < sampling.rounds:
            f = torch.cat([f, distances(fresh)], dim=-1).gather(1, order)
    return t


def _world(surface: NeuralSurface, rays: Bundle, far: Tensor, count: int) -> Tensor | None:
    """The colour (rays, 3) of what is beyond the ball: the farthest sample lets nothing through."""
    if surface.world is None:
        return None
    # A ray that misses the ball leaves it nowhere: it begins at its nearest place, or a radius on.
    t = outwards(far.clamp(min=1.0), count, rays.jitter)
    density, color = surface.world(
        _along(rays, t).reshape(-1, 3), _repeated(rays.directions, t), _repeated(rays.codes, t)
    )
    weights, left = weights_of(-density.reshape(t.shape) / count)
    colors: Tensor = color.reshape(*t.shape, 3)
    return composite(weights, colors) + left[:, None] * colors[:, -1]


def _along(rays: Bundle, t: Float[Tensor, "rays samples"]) -> Float[Tensor, "rays samples 3"]:
    return rays.origins[:, None] + t[..., None] * rays.directions[:, None]


def _repeated(values: Tensor, t: Tensor) -> Tensor:
    """(rays, d) for each sample: (rays * samples, d)."""
    return values[:, None].expand(*t.shape, -1).reshape(t.numel(), values.shape[-1])
