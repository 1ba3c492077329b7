# SPDX-License-Identifier: GPL-3.0-or-later
"""A signed distance and a colour on a dense lattice, read anywhere, in torch: the readable twin.

Notation: a lattice of n points along each side of the cube [-1, 1]³, h = 2 / (n - 1) apart. In
between all is trilinear: at x, in lattice units u = (x + 1) / h, the cell with lowest corner
floor(u) has eight corners c with shares w_c(x), and

    f = sum w_c f_c,   a = sum w_c a_c,   g = sum w_c g_c,   g_c = (f_{c+1} - f_{c-1}) / (2 h)

on each axis; beyond the lattice f is as at its border. So g changes without steps from cell to
cell, as the gradient of the trilinear f does not. Places are not differentiated: rays stand still.

    eikonal   E = mean (|g_p| - 1)²              smooth   C = mean (laplacian f_p / h)²

over the inner lattice points p with |f_p| < band, the laplacian in lattice steps. It must not know
rays.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import pad

from lightkiln.ops.interpolation import OFFSETS

STEEP = 1e-6
"""|g| below which a point has no direction."""


def corners(x: Float[Tensor, "n 3"], side: int) -> tuple[Int[Tensor, "n 8"], Float[Tensor, "n 8"]]:
    """The numbers (i n + j) n + k of a cell's points, and their shares w_c."""
    u = ((x + 1.0) * (0.5 * (side - 1))).clamp(0.0, side - 1.0)
    low = u.floor().clamp(max=side - 2.0)
    inside, offsets = u - low, OFFSETS.to(x.device)
    i, j, k = (low.long()[:, None] + offsets).unbind(dim=-1)
    shares = torch.where(offsets == 1, inside[:, None], 1.0 - inside[:, None]).prod(dim=-1)
    return (i * side + j) * side + k, shares


def gather(
    rows: Float[Tensor, "points features"], x: Float[Tensor, "n 3"], side: int
) -> Float[Tensor, "n features"]:
    """Numbers of all points, read at places."""
    index, shares = corners(x, side)
    return (shares[..., None] * rows[index]).sum(dim=1)


def read(
    f: Float[Tensor, "side side side"],
    albedo: Float[Tensor, "side side side 3"],
    x: Float[Tensor, "n 3"],
    slopes: bool,
) -> Float[Tensor, "n features"]:
    """f, a and, with `slopes`, g of places: 4 or 7 numbers."""
    side = len(f)
    parts = [f[..., None], albedo]
    if slopes:
        parts.append(central(f, 2.0 / (side - 1)))
    return gather(torch.cat(parts, dim=-1).reshape(side**3, -1), x, side)


def central(f: Float[Tensor, "a b c"], h: float) -> Float[Tensor, "a b c 3"]:
    """g of all points."""
    wide = pad(f[None], (1, 1, 1, 1, 1, 1), mode="replicate")[0]
    along = [
        wide[2:, 1:-1, 1:-1] - wide[:-2, 1:-1, 1:-1],
        wide[1:-1, 2:, 1:-1] - wide[1:-1, :-2, 1:-1],
        wide[1:-1, 1:-1, 2:] - wide[1:-1, 1:-1, :-2],
    ]
    return torch.stack(along, dim=-1) * (0.5 / h)


def regular(f: Float[Tensor, "side side side"], band: float) -> Float[Tensor, " 2"]:
    """E and C; 0 where no point is near."""
    h, inner = 2.0 / (len(f) - 1), slice(1, -1)
    near = (f.detach().abs() < band)[inner, inner, inner].to(f.dtype)
    g = central(f, h)[inner, inner, inner]
    size = (g.square().sum(dim=-1) + STEEP**2).sqrt()
    bend = -6.0 * f[inner, inner, inner]
    for axis in range(3):
        for shift in (-1, 1):
            bend = bend + f.roll(shift, axis)[inner, inner, inner]
    count = near.sum().clamp(min=1.0)
    eikonal, smooth = near * (size - 1.0) ** 2, near * (bend / h) ** 2
    return torch.stack([eikonal.sum(), smooth.sum()]) / count
