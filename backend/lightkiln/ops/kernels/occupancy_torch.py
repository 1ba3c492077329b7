# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples of `occupancy_march` in torch: every place of every ray is looked at. What runs on
CUDA, and what the numba loop is compared with. It must not know what is sampled.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


def march(
    cells: Bool[Tensor, "side side side"],
    origins: Float[Tensor, "rays 3"],
    directions: Float[Tensor, "rays 3"],
    near: Float[Tensor, " rays"],
    far: Float[Tensor, " rays"],
    jitter: Float[Tensor, " rays"],
    step: float,
) -> tuple[Float[Tensor, " samples"], Int[Tensor, " samples"]]:
    """t of the samples, ray by ray, and the ray of each."""
    most = int(((far - near).clamp(min=0.0).max() / step).ceil()) if len(near) else 0
    place = torch.arange(most, device=near.device) + jitter[:, None]
    t = near[:, None] + place * step
    x = origins[:, None] + t[..., None] * directions[:, None]
    ray, sample = (occupied(cells, x) & (t < far[:, None])).nonzero(as_tuple=True)
    return t[ray, sample], ray


def occupied(cells: Bool[Tensor, "side side side"], x: Float[Tensor, "*n 3"]) -> Bool[Tensor, "*n"]:
    """Whether the cells that hold places of the cube [-1, 1]³ are occupied."""
    side = cells.shape[0]
    i, j, k = ((x + 1.0) * 0.5 * side).floor().long().clamp(0, side - 1).unbind(dim=-1)
    return cells[i, j, k]
