# SPDX-License-Identifier: GPL-3.0-or-later
"""The world beyond the unit ball, folded into a ball (Zhang et al. 2020, NeRF++, section 4).

A point x with r = |x| > 1 becomes (x / r, 1 / r): all four numbers lie in [-1, 1], however far it
is. Samples stand at equal steps of u = t_far / t in (0, 1], t_far where the ray leaves the ball,
and densities count per step of u: what is far needs no smaller numbers than what is near.
It must not know networks.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def folded(x: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 4"]:
    """(x / r, 1 / r) of points outside the unit ball; a point inside is taken to its border."""
    r = x.norm(dim=-1, keepdim=True).clamp(min=1.0)
    return torch.cat([x / r, 1.0 / r], dim=-1)


def unfolded(places: Float[Tensor, "*n 4"]) -> Float[Tensor, "*n 3"]:
    """The inverse of `folded`."""
    return places[..., :3] / places[..., 3:]


def outwards(
    far: Float[Tensor, " rays"], count: int, jitter: Float[Tensor, " rays"]
) -> Float[Tensor, "rays count"]:
    """t of `count` samples beyond `far`, nearest first; `jitter` in [0, 1]."""
    # A step of u is 1 / count; the last sample is half a step from infinity at most.
    step = torch.arange(count, device=far.device) + 0.5 * jitter[:, None]
    return far[:, None] / (1.0 - step / count)
