# SPDX-License-Identifier: GPL-3.0-or-later
"""What a solid made of words is asked to be, apart from what a prior says, in torch.

    sparse       mean sqrt(o² + 0.01), o a pixel's opacity       DreamFusion, appendix A.2
    decided      mean of the entropy of o: there or not          stable-dreamfusion's
    orientation  sum w max(0, n . d)² / rays, w not learned      Ref-NeRF (arXiv:2112.03907), eq. 11
    likeness     mean of |color - color'|² and |o - o'|²         of a picture that is known

It must not know fields or rays.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

SURE = 1e-3
"""Opacities are held so far from 0 and 1, where the entropy's slope has no bound."""


def sparse_loss(opacity: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """0.1 where nothing is, more the more is there."""
    return torch.sqrt(opacity**2 + 0.01).mean()


def decided_loss(opacity: Float[Tensor, "*n"]) -> Float[Tensor, ""]:
    """0 where every pixel is either empty or full; nats."""
    o = opacity.clamp(SURE, 1.0 - SURE)
    return -(o * o.log() + (1.0 - o) * (1.0 - o).log()).mean()


def orientation_loss(
    weights: Float[Tensor, " m"],
    normals: Float[Tensor, "m 3"],
    directions: Float[Tensor, "m 3"],
    num_rays: int,
) -> Float[Tensor, ""]:
    """0 where whatever is seen faces the camera."""
    away = (normals * directions).sum(dim=-1).clamp(min=0.0)
    return (weights.detach() * away**2).sum() / num_rays


def likeness_loss(
    seen: Float[Tensor, "b 4 h w"], known: Float[Tensor, "b 4 h w"]
) -> Float[Tensor, ""]:
    """Of colours times alpha, and alpha."""
    return (seen - known).square().mean()
