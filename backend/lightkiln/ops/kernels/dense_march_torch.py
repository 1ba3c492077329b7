# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples of `dense_march` in torch: every place of every ray is looked at. What runs on CUDA,
and what the numba loop is compared with. It must not know rows or colours.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lightkiln.ops.volume_rendering import log_passed

from .dense_grid import gather
from .dense_march import LOG_DARK

CHUNK = 1 << 22
"""Places that are looked at at once."""


def march(
    distance: Float[Tensor, "side side side"],
    origins: Float[Tensor, "rays 3"],
    directions: Float[Tensor, "rays 3"],
    near: Float[Tensor, " rays"],
    far: Float[Tensor, " rays"],
    jitter: Float[Tensor, " rays"],
    pace: tuple[float, float, float],
) -> tuple[Float[Tensor, " samples"], Int[Tensor, " samples"]]:
    """t of the samples, ray by ray, and the ray of each; `pace`: step, sharpness, band."""
    step, sharpness, band = pace
    most = int(((far - near).clamp(min=0.0).max() / step).ceil()) if len(near) else 0
    t = near[:, None] + (torch.arange(most, device=near.device) + jitter[:, None]) * step
    x = (origins[:, None] + t[..., None] * directions[:, None]).reshape(-1, 3)
    rows = distance.reshape(-1, 1)
    found = [gather(rows, part, distance.shape[0]) for part in torch.split(x, CHUNK)]
    f = torch.cat(found).reshape(t.shape) if found else t
    near_surface = (f < band) & (t < far[:, None])
    passed = torch.where(near_surface[:, 1:] & near_surface[:, :-1], log_passed(f, sharpness), 0.0)
    light = torch.cat([torch.zeros_like(t[:, :2]), passed.cumsum(dim=-1)[:, :-1]], dim=-1)
    kept: Tensor = near_surface & (light[:, :most] > float(LOG_DARK))
    ray, sample = kept.nonzero(as_tuple=True)
    return t[ray, sample], ray
