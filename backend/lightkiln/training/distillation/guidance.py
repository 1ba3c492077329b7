# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifier-free guidance, and what gives its pictures their contrast back.

    e = e_u + g (e_c - e_u)                          (Ho and Salimans 2022, arXiv:2207.12598)
    x = f (std(x_c) / std(x_g)) x_g + (1 - f) x_g    (Lin et al. 2023, arXiv:2305.08891, eqs. 15-16)

g = 1 is the prompt alone; DreamFusion's omega is g - 1. The second is applied to clean pictures,
as MVDream does, so that it means the same for priors that predict noise and velocity.
It must not know priors.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

FLAT = 1e-8
"""Added to both deviations: a picture of one colour has none, and must not be divided by it."""


def guided(
    without: Float[Tensor, "b d i j"], along: Float[Tensor, "b d i j"], strength: float
) -> Float[Tensor, "b d i j"]:
    """From the answer without the prompt, `strength` times along the prompt's direction."""
    return without + strength * along


def rescaled(
    plain: Float[Tensor, "b d i j"], strong: Float[Tensor, "b d i j"], part: float
) -> Float[Tensor, "b d i j"]:
    """Guided clean pictures with the deviation of unguided ones, in `part`."""
    axes = (1, 2, 3)
    ratio = (plain.std(axes, keepdim=True) + FLAT) / (strong.std(axes, keepdim=True) + FLAT)
    return part * ratio * strong + (1.0 - part) * strong
