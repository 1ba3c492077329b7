# SPDX-License-Identifier: GPL-3.0-or-later
"""A solid as a signed distance and a colour on a dense lattice over the cube about the unit ball.

Notation: lattice points (i, j, k), i, j, k < n, lie at 2 (i, j, k) / (n - 1) - 1. What is learned
are d and the albedo a at each. The solid ends within the ball:

    f = max(d, |x| - REACH),      g = central differences of f,      n = g / |g|

and f, a, g are read between the points trilinearly, so that normals change without steps from cell
to cell. Colours are sRGB values. It must not know rays.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from lightkiln.ops.kernels import dense_grid_autograd
from lightkiln.ops.kernels.redistance import redistance

REACH = 0.97
"""Of the solid, in radii of the ball: its surface is seen whole from outside."""
FAR = 64.0
"""Voxels to which distances are put right when the lattice changes: everywhere."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Read:
    """What the lattice says of places."""

    distance: Float[Tensor, " n"]
    """f, in radii of the ball, negative inside."""
    albedo: Float[Tensor, "n 3"]
    """sRGB values in [0, 1]."""
    slope: Float[Tensor, "n 3"] | None
    """g; about 1 long where f is a true distance. None: nobody asked."""


class SurfaceGrid(nn.Module):
    """Distance and albedo of a solid."""

    beyond: Tensor

    def __init__(
        self, distance: Float[Tensor, "side side side"], albedo: Float[Tensor, "side side side 3"]
    ) -> None:
        super().__init__()
        self.distance = nn.Parameter(distance.contiguous())
        """d, in radii of the ball."""
        self.albedo = nn.Parameter(albedo.contiguous())
        self.register_buffer("beyond", _radii(self.side).to(distance.device) - REACH, False)

    @property
    def side(self) -> int:
        """Lattice points along a side."""
        return len(self.distance)

    @property
    def voxel(self) -> float:
        """Between neighbouring points, in radii of the ball."""
        return 2.0 / (self.side - 1)

    def bounded(self) -> Float[Tensor, "side side side"]:
        """f at the lattice points."""
        return torch.maximum(self.distance, self.beyond)

    def read(self, x: Float[Tensor, "n 3"], slopes: bool) -> Read:
        """Of places in the cube."""
        found = dense_grid_autograd.read(self.bounded(), self.albedo, x, slopes)
        return Read(
            distance=found[:, 0], albedo=found[:, 1:4], slope=found[:, 4:] if slopes else None
        )

    def regular(self, band: float) -> dict[str, Float[Tensor, ""]]:
        """How far f is from a true distance and from smoothness, nearer to 0 than `band`."""
        eikonal, smooth = dense_grid_autograd.regular(self.bounded(), band)
        return {"eikonal": eikonal, "smooth": smooth}

    @torch.no_grad()
    def finer(self, side: int) -> SurfaceGrid:
        """The same solid on another lattice; distances are true ones again."""
        both = torch.cat([self.bounded()[..., None], self.albedo], dim=-1).permute(3, 0, 1, 2)
        size = (side, side, side)
        moved = interpolate(both[None], size=size, mode="trilinear", align_corners=True)[0]
        f = true_distance(moved[0], 2.0 / (side - 1))
        return SurfaceGrid(f, moved[1:].permute(1, 2, 3, 0))

    @torch.no_grad()
    def put_right(self) -> None:
        """Make d a true distance to the surface again, where it is."""
        self.distance.copy_(true_distance(self.bounded(), self.voxel))


def true_distance(
    f: Float[Tensor, "side side side"], voxel: float
) -> Float[Tensor, "side side side"]:
    """The signed distance of the zero level of f; f itself where it has none."""
    values: NDArray[np.float32] = f.detach().cpu().float().contiguous().numpy()
    if (values < 0.0).all() or (values >= 0.0).all():
        return f
    return torch.from_numpy(redistance(values, voxel, FAR)).to(f.device)


def lattice_points(side: int) -> Float[Tensor, "points 3"]:
    """Where the lattice's points lie, in the order of their rows."""
    axis = torch.linspace(-1.0, 1.0, side)
    grid = torch.meshgrid(axis, axis, axis, indexing="ij")
    return torch.stack(grid, dim=-1).reshape(-1, 3)


def ball_grid(side: int, radius: float, albedo: float = 0.5) -> SurfaceGrid:
    """A grey ball about the origin: what a prompt begins from."""
    distance = _radii(side) - radius
    return SurfaceGrid(distance, torch.full((side, side, side, 3), albedo))


def _radii(side: int) -> Float[Tensor, "side side side"]:
    radii: Tensor = lattice_points(side).norm(dim=-1)
    return radii.reshape(side, side, side)
