# SPDX-License-Identifier: GPL-3.0-or-later
"""Volume rendering of densities, of rays with as many samples as each needs, in torch.

Notation (Mildenhall et al. 2020, arXiv:2003.08934, eq. 3; Max 1995): section i has density sigma_i
and length delta_i.

    alpha_i = 1 - exp(-sigma_i delta_i)
    T_i = exp(-sum_{j<i} sigma_j delta_j),   w_i = T_i alpha_i

Samples of all rays stand in one list, ray by ray. It must not know fields or cameras.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def packed_light(
    thickness: Float[Tensor, " samples"], ray: Int[Tensor, " samples"], num_rays: int
) -> Float[Tensor, " samples"]:
    """T_i from sigma_i delta_i."""
    # float64: the sum runs over all rays, and a ray's own part of it is a difference.
    behind = thickness.double().cumsum(dim=0)
    before = torch.cat([behind.new_zeros(1), behind])[:-1]
    counts = torch.bincount(ray, minlength=num_rays)
    first = (counts.cumsum(dim=0) - counts)[ray]
    return torch.exp(before[first] - before).to(thickness.dtype)


def packed_weights(
    thickness: Float[Tensor, " samples"], ray: Int[Tensor, " samples"], num_rays: int
) -> tuple[Float[Tensor, " samples"], Float[Tensor, " rays"]]:
    """w_i, and the light that is left behind each ray's last sample."""
    weights = packed_light(thickness, ray, num_rays) * -torch.expm1(-thickness)
    return weights, torch.exp(-thickness.new_zeros(num_rays).index_add(0, ray, thickness))


def packed_sum(
    weights: Float[Tensor, " samples"],
    values: Float[Tensor, "samples channels"],
    ray: Int[Tensor, " samples"],
    num_rays: int,
) -> Float[Tensor, "rays channels"]:
    """Sum of w_i c_i of each ray."""
    blank = values.new_zeros((num_rays, values.shape[1]))
    return blank.index_add(0, ray, weights[:, None] * values)
