# SPDX-License-Identifier: GPL-3.0-or-later
"""What a neural surface is asked to be, each as one number, in torch.

    color      mean |c - c'|                                  NeuS, eq. 15
    eikonal    mean (|n| - 1)²                                NeuS, eq. 16 (Gropp et al. 2020)
    mask       mean BCE(o, m), o the opacity of a pixel       NeuS, eq. 17
    curvature  mean |laplacian f|                             Neuralangelo, eq. 8
    points     mean |f(p)|, p known to lie on the surface     Geo-NeuS (Fu et al. 2022), eq. 8

It must not know networks or rays.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

SURE = 1e-3
"""Opacities are held so far from 0 and 1: the logarithm's slope there would drown all else."""


def color_loss(seen: Float[Tensor, "rays 3"], real: Float[Tensor, "rays 3"]) -> Float[Tensor, ""]:
    """Mean absolute difference of sRGB values."""
    return (seen - real).abs().mean()


def eikonal_loss(gradient: Float[Tensor, "*n 3"]) -> Float[Tensor, ""]:
    """0 where the distance is a true distance."""
    length: Tensor = gradient.norm(dim=-1)
    return ((length - 1.0) ** 2).mean()


def mask_loss(opacity: Float[Tensor, " rays"], mask: Float[Tensor, " rays"]) -> Float[Tensor, ""]:
    """Cross entropy between what a ray is stopped by and what the mask says, in [0, 1]."""
    o = opacity.clamp(SURE, 1.0 - SURE)
    # Written out: torch's own raises an error where an opacity is no number.
    return -(mask * o.log() + (1.0 - mask) * (1.0 - o).log()).mean()


def curvature_loss(laplacian: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """0 on planes; 2 / r at the distance r from a ball's centre."""
    return laplacian.abs().mean()


def points_loss(distance: Float[Tensor, " n"]) -> Float[Tensor, ""]:
    """How far points of the surface are from being so."""
    return distance.abs().mean()
