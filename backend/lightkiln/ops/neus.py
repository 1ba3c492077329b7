# SPDX-License-Identifier: GPL-3.0-or-later
"""NeuS' sections of a ray, and where more samples are worth it, in torch.

Notation (Wang et al. 2021, arXiv:2106.10689): a ray o + t d with |d| = 1; section i, of width
delta_i, has the signed distance f_i and its gradient n_i in its middle, and c_i = <d, n_i>. In the
direction of the ray f changes by c_i at most:

    slope_i = -((1 - u) relu(1/2 - c_i / 2) + u relu(-c_i))       never above 0; u goes from 0 to 1
    f_i^-   = f_i - slope_i delta_i / 2                           where the ray enters
    f_i^+   = f_i + slope_i delta_i / 2                           where it leaves
    alpha_i = max(0, 1 - Phi(f_i^+) / Phi(f_i^-))                 eq. 13

At u = 0 surfaces that face away count a little, so that a start turned the wrong way can learn.
Hierarchical sampling (section 3.3 and supplement): f is known at samples t_0 < ... < t_n; sections
get alpha_i at a fixed sharpness 64, 128, ..., and new samples fall where the weights are.
It must not know networks.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import relu

from .ray_samples import inverse_cdf
from .volume_rendering import log_passed_between, weights_of

FIRST_SHARPNESS = 64.0
"""Of the first round of up-sampling, in a scene of radius 1; each round doubles it."""
STEEPEST = 1e3
"""A slope beyond it is of two samples that all but coincide."""


def falling_slope(cosine: Float[Tensor, "*n"], progress: float | Tensor) -> Float[Tensor, "*n"]:
    """The slope of f along the ray, held at or below 0."""
    soft, hard = relu(0.5 - 0.5 * cosine), relu(-cosine)
    return -((1.0 - progress) * soft + progress * hard)


def passed_through(
    distance: Float[Tensor, "*n"],
    slope: Float[Tensor, "*n"],
    width: Float[Tensor, "*n"],
    sharpness: float | Tensor,
) -> Float[Tensor, "*n"]:
    """log(1 - alpha_i), from f and its slope in the sections' middles."""
    half = 0.5 * slope * width
    return log_passed_between(distance - half, distance + half, sharpness)


def guessed_weights(
    t: Float[Tensor, "rays samples"], f: Float[Tensor, "rays samples"], sharpness: float
) -> Float[Tensor, "rays samples-1"]:
    """Weights of the sections between samples, from f alone.

    A section takes the smaller of its own slope and of the one before: so the section behind a
    surface that was just missed counts as well.
    """
    width = t[:, 1:] - t[:, :-1]
    # Samples that coincide have no slope, whatever the division gives them.
    slope = (f[:, 1:] - f[:, :-1]) / width.clamp(min=1e-6)
    before = torch.cat([torch.zeros_like(slope[:, :1]), slope[:, :-1]], dim=-1)
    slope = torch.minimum(slope, before).clamp(-STEEPEST, 0.0)
    middle = 0.5 * (f[:, 1:] + f[:, :-1])
    return weights_of(passed_through(middle, slope, width, sharpness))[0]


def finer(
    t: Float[Tensor, "rays samples"], f: Float[Tensor, "rays samples"], round: int, count: int
) -> Float[Tensor, "rays count"]:
    """`count` new places on each ray, for the given round of up-sampling, counted from 0."""
    return inverse_cdf(t, guessed_weights(t, f, FIRST_SHARPNESS * 2.0**round), count)
