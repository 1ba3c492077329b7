# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of numbers on a dense lattice, read trilinearly, in torch: the readable twin, any device.

Notation: a lattice of n points along each side of the cube [-1, 1]³; point (i, j, k) has row
r = (i n + j) n + k. At x, in lattice units u = (x + 1) (n - 1) / 2, the cell with lowest corner
floor(u) has eight corners c with shares w_c(x), trilinear:

    y_f = sum_c w_c R[r_c, f]          and, for upstream g,          dR[r_c, f] = sum w_c g_f

Places beyond the cube are read at its border. Places are not differentiated: rays stand still.
It must not know what a row means.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lightkiln.ops.interpolation import OFFSETS


def corners(x: Float[Tensor, "n 3"], side: int) -> tuple[Int[Tensor, "n 8"], Float[Tensor, "n 8"]]:
    """Rows r_c and shares w_c of places in the cube."""
    u = ((x + 1.0) * (0.5 * (side - 1))).clamp(0.0, side - 1.0)
    low = u.floor().clamp(max=side - 2.0)
    inside, offsets = u - low, OFFSETS.to(x.device)
    i, j, k = (low.long()[:, None] + offsets).unbind(dim=-1)
    shares = torch.where(offsets == 1, inside[:, None], 1.0 - inside[:, None]).prod(dim=-1)
    return (i * side + j) * side + k, shares


def gather(
    rows: Float[Tensor, "points features"], x: Float[Tensor, "n 3"], side: int
) -> Float[Tensor, "n features"]:
    """y of places; `rows` are those of side³ points."""
    index, shares = corners(x, side)
    return (shares[..., None] * rows[index]).sum(dim=1)
