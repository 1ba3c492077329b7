# SPDX-License-Identifier: GPL-3.0-or-later
"""The torch twin of `shade` and `fused`: slow, readable, differentiated by autograd, on any device.

Given where the samples stand (`march` decides), it renders one ray as the formulae say.
It must not know threads or buffers.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lightkiln.ops.interpolation import cell_points, harmonics, interpolate
from lightkiln.ops.volume_rendering import composite, render_weights

from .arrays import TERMS

FAINT = 5e-4
"""Sections of less weight get no colour, as in `shade`."""


def render_ray(
    table: Int[Tensor, "a b c"],
    distance: Float[Tensor, " points"],
    color: Float[Tensor, "points 12"],
    sharpness: float,
    origin: Float[Tensor, " 3"],
    direction: Float[Tensor, " 3"],
    t: Float[Tensor, " samples"],
) -> tuple[Float[Tensor, " 3"], Float[Tensor, ""]]:
    """Return C and T_n of one ray with samples at t, which must lie in stored cells."""
    points, shares, _ = cell_points(table, origin + t[:, None] * direction)
    f = interpolate(distance[:, None], points, shares)[:, 0]
    weights, left = render_weights(f, sharpness)
    middle = 0.5 * (t[1:] + t[:-1])
    points, shares, stored = cell_points(table, origin + middle[:, None] * direction)
    coefficients = interpolate(color, points, shares).reshape(-1, 3, TERMS)
    colors = coefficients @ harmonics(direction[None])[0]
    seen = stored & (weights.detach() > FAINT)
    return composite(weights, torch.where(seen[:, None], colors, 0.0)), left


def charbonnier(residual: Float[Tensor, "*rays 3"], softness: float) -> Float[Tensor, "*rays"]:
    """sum_c (sqrt(r_c² + e²) - e)."""
    return (torch.sqrt(residual**2 + softness**2) - softness).sum(dim=-1)
