# SPDX-License-Identifier: GPL-3.0-or-later
"""`fused`, `regularise` and `adam` in torch, differentiated by autograd: what runs on CUDA.

The formulae, their notation and their constants are those of the numba files; only what autograd
derives is not written down here. It must not know images or schedules.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from lightkiln.ops.interpolation import cell_points, harmonics, interpolate
from lightkiln.ops.volume_rendering import render_weights

from .adam import B1, B2, TINY
from .arrays import POINTS, TERMS
from .fused import SOFTNESS
from .march_torch import Beams, Samples
from .reference import charbonnier
from .shade import FAINT

STILL = 1e-4
"""|grad f| below which no direction is right, as in `regularise.tension`."""


def render(
    table: Int[Tensor, "a b c"],
    distance: Float[Tensor, " points"],
    color: Float[Tensor, "points 12"],
    sharpness: float,
    beams: Beams,
    samples: Samples,
) -> tuple[Float[Tensor, "rays 3"], Float[Tensor, " rays"], Int[Tensor, " touched"]]:
    """Return C and T_n of each ray, and the points whose colours had a part in it."""
    o, d = beams.origins, beams.directions
    places = o[:, None] + samples.t[..., None] * d[:, None]
    points, shares, _ = cell_points(table, places.reshape(-1, 3))
    f = (shares * distance[points]).sum(dim=1).reshape(samples.t.shape)
    weights, left = render_weights(f, sharpness)
    hit = samples.lengths > 0
    seen = (weights.detach() > float(FAINT)) & hit[:, None]
    ray, section = seen.nonzero(as_tuple=True)
    middle = 0.5 * (samples.t[ray, section] + samples.t[ray, section + 1])
    points, shares, stored = cell_points(table, o[ray] + middle[:, None] * d[ray])
    ray, section, points, shares = ray[stored], section[stored], points[stored], shares[stored]
    rows = interpolate(color, points, shares).reshape(-1, 3, TERMS)
    rgb = (rows * harmonics(d[ray])[:, None]).sum(dim=-1)
    seen_color = torch.zeros_like(o).index_add(0, ray, weights[ray, section, None] * rgb)
    return seen_color, torch.where(hit, left, 1.0), points.reshape(-1)


def losses(
    seen: Float[Tensor, "rays 3"],
    left: Float[Tensor, " rays"],
    goal: Float[Tensor, "rays 3"],
    background: Float[Tensor, "rays 3"],
    gain: Float[Tensor, "rays 3"],
    opacity: Float[Tensor, " rays"],
    opacity_weight: float,
) -> Float[Tensor, " rays"]:
    """L of each ray."""
    missed = charbonnier(gain * seen + left[:, None] * background - goal, SOFTNESS)
    return missed + opacity_weight * (1.0 - left - opacity) ** 2


def surroundings(near: Int[Tensor, "slots 27"]) -> Int[Tensor, "slots 10 10 10"]:
    """The points of each brick and of one more layer about it; -1 where none is stored."""
    axis = torch.arange(-1, 9, device=near.device)
    side, inside = axis.div(8, rounding_mode="floor") + 1, axis % 8
    which = 9 * side[:, None, None] + 3 * side[:, None] + side
    point = 64 * inside[:, None, None] + 8 * inside[:, None] + inside
    slot = near[:, which]
    return torch.where(slot >= 0, slot * POINTS + point, -1)


def priors(
    distance: Float[Tensor, " points"], around: Int[Tensor, "slots 10 10 10"]
) -> tuple[Float[Tensor, "slots 8 8 8"], Float[Tensor, "slots 8 8 8"]]:
    """E and C at every stored point, 0 where a neighbour is missing."""
    known = around >= 0
    block = torch.where(known, distance[around.clamp(min=0)], 0.0)  # NaN would spoil gradients
    whole = torch.stack([*_sides(known), known[:, 1:-1, 1:-1, 1:-1]]).all(dim=0)
    sides = torch.stack(_sides(block))
    square = (0.25 * (sides[3:] - sides[:3]) ** 2).sum(dim=0)
    clear = whole & (square.detach() > STILL**2)
    size = torch.sqrt(torch.where(clear, square, 1.0))  # at 0 its slope is infinite
    bend = sides.sum(dim=0) - 6.0 * block[:, 1:-1, 1:-1, 1:-1]
    return (size - 1.0) ** 2, torch.where(whole, bend, 0.0) ** 2


def _sides(block: Tensor) -> list[Tensor]:
    """The neighbours of the inner points: below on x, y and z, then above."""
    low, middle, high = slice(None, -2), slice(1, -1), slice(2, None)
    return [
        block[
            :,
            side if axis == 0 else middle,
            side if axis == 1 else middle,
            side if axis == 2 else middle,
        ]
        for side in (low, high)
        for axis in range(3)
    ]


@torch.no_grad()
def step_distance(
    distance: Float[Tensor, " points"],
    gradient: Float[Tensor, " points"],
    moments: tuple[Tensor, Tensor],
    rate: float,
    floor: float,
) -> None:
    """Adam for all distances, in place; see `adam.step_distance`."""
    first, second = moments
    first.lerp_(gradient, 1.0 - float(B1))
    second.lerp_(gradient**2, 1.0 - float(B2))
    distance -= rate * first / (second.sqrt() + floor)


@torch.no_grad()
def step_color(
    color: Float[Tensor, "points 12"],
    gradient: Float[Tensor, "points 12"],
    touched: Bool[Tensor, " points"],
    moments: tuple[Tensor, Tensor],
    pace: Float[Tensor, "2 12"],
) -> None:
    """Adam for the touched colours, in place; see `adam.step_color`."""
    rows = touched.nonzero()[:, 0]
    slope = gradient[rows]
    first = moments[0][rows].lerp(slope, 1.0 - float(B1))
    second = moments[1][rows].lerp(slope**2, 1.0 - float(B2))
    moments[0][rows], moments[1][rows] = first, second
    color[rows] = color[rows] * (1.0 - pace[1]) - pace[0] * first / (second.sqrt() + float(TINY))
