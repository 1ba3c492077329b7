# SPDX-License-Identifier: GPL-3.0-or-later
"""Where rays are sampled: in the unit ball, by weight, and beyond the ball, in torch.

Notation: a ray o + t d with |d| = 1. It must not know what is sampled.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

UNIFORM = 1e-5
"""Added to every weight: a ray that meets nothing spreads its samples evenly."""


def ball_span(
    origins: Float[Tensor, "rays 3"], directions: Float[Tensor, "rays 3"]
) -> tuple[Float[Tensor, " rays"], Float[Tensor, " rays"], Bool[Tensor, " rays"]]:
    """Where rays enter (0 if they begin inside) and leave the unit ball, and which do.

    |o + t d|² = 1: t = -<o, d> ± sqrt(<o, d>² - |o|² + 1). Rays that miss get their nearest place.
    """
    along = -(origins * directions).sum(dim=-1)
    square = along**2 - (origins**2).sum(dim=-1) + 1.0
    half = square.clamp(min=0.0).sqrt()
    near, far = (along - half).clamp(min=0.0), (along + half).clamp(min=0.0)
    return near, far, (square > 0.0) & (far > 0.0)


def evenly(
    near: Float[Tensor, " rays"],
    far: Float[Tensor, " rays"],
    count: int,
    jitter: Float[Tensor, " rays"],
) -> Float[Tensor, "rays count"]:
    """`count` samples at equal distances, all moved by `jitter`, in [0, 1], of that distance."""
    place = torch.arange(count, device=near.device) + jitter[:, None]
    return near[:, None] + (far - near)[:, None] * place / count


def inverse_cdf(
    t: Float[Tensor, "rays samples"], weights: Float[Tensor, "rays samples-1"], count: int
) -> Float[Tensor, "rays count"]:
    """Places between samples such that as many fall into a section as its weight says.

    The quantiles are (k + 1/2) / count: no chance in it.
    """
    shares = weights + UNIFORM
    total = torch.cumsum(shares / shares.sum(dim=-1, keepdim=True), dim=-1)
    total = torch.cat([torch.zeros_like(total[:, :1]), total], dim=-1)
    wanted = (torch.arange(count, device=t.device) + 0.5) / count
    wanted = wanted.expand(len(t), count).contiguous()
    last = weights.shape[-1]
    section = (torch.searchsorted(total, wanted, right=True) - 1).clamp(0, last - 1)
    low, high = total.gather(1, section), total.gather(1, section + 1)
    start, end = t.gather(1, section), t.gather(1, section + 1)
    # high > low by `UNIFORM`; rounding may still make them one in a long list of samples.
    part = ((wanted - low) / (high - low).clamp(min=1e-9)).clamp(0.0, 1.0)
    return start + part * (end - start)
