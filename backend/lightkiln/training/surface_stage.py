# SPDX-License-Identifier: GPL-3.0-or-later
"""How a surface grid is led through a run: lattice, sharpness and rates by its progress u.

    width 1 / s   geometrically from `WIDTH` at the start to a voxel's half at the end
    lattice       coarse to fine at `FINER`; distances are true ones again after each change

It must not know priors or losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lightkiln.fields.surface_grid import SurfaceGrid
from lightkiln.fields.surface_render import SurfaceSolid

WIDTH = 0.08
"""Radii: over so much the surface's opacity is spread at first, so that it finds its way."""
FINEST = 0.5
"""Voxels of the finest lattice, at the end."""
FINER = (0.25, 0.5)
"""Progress at which the lattice becomes finer."""
COARSER = (0.5, 0.7)
"""Of the finest lattice's side, before."""
RIGHT_EVERY = 100
"""Steps between two times of making distances true ones."""
DISTANCE_RATE, ALBEDO_RATE = (0.02, 0.001), (0.05, 0.003)
"""Radii, and sRGB values, of a step; at the start and the end."""


@dataclass(slots=True)
class SurfaceStage:
    """A surface at work."""

    solid: SurfaceSolid
    side: int
    """Lattice points of the finest lattice along a side."""

    def prepare(self, u: float) -> bool:
        """Make the solid what it is to be at u; True: what is learned is another tensor now."""
        self.solid.sharpness = 1.0 / _between((WIDTH, FINEST * 2.0 / (self.side - 1)), u)
        side = self._side_at(u)
        if side == self.solid.grid.side:
            return False
        self.solid.grid = self.solid.grid.finer(side)
        return True

    def rates(self, u: float) -> dict[str, float]:
        """Of Adam, by the names of the solid's parts."""
        return {"distance": _between(DISTANCE_RATE, u), "albedo": _between(ALBEDO_RATE, u)}

    @torch.no_grad()
    def settle(self, num_done: int) -> None:
        """After a step: colours stay colours, and now and then distances become true ones."""
        self.solid.grid.albedo.clamp_(0.0, 1.0)
        if num_done % RIGHT_EVERY == 0:
            self.solid.grid.put_right()

    def state(self) -> dict[str, NDArray[Any]]:
        """What it has learned."""
        grid = self.solid.grid
        parts = {"distance": grid.distance, "albedo": grid.albedo}
        return {name: value.detach().cpu().numpy().copy() for name, value in parts.items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Have it again."""
        device = self.solid.grid.distance.device
        parts = (torch.from_numpy(np.array(state[name])) for name in ("distance", "albedo"))
        self.solid.grid = SurfaceGrid(*(part.to(device) for part in parts))

    @staticmethod
    def first_side(side: int) -> int:
        """Of the lattice that a run begins on, whose finest has `side` points."""
        return round(COARSER[0] * side)

    def _side_at(self, u: float) -> int:
        level = sum(u >= at for at in FINER)
        return self.side if level == len(COARSER) else round(COARSER[level] * self.side)


def _between(ends: tuple[float, float], u: float) -> float:
    return float(ends[0] * (ends[1] / ends[0]) ** u)
