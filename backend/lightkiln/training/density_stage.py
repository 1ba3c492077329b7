# SPDX-License-Identifier: GPL-3.0-or-later
"""How a density on a hash grid is led through a run, and how it becomes a surface.

The surface is where the density passes half of what a solid's is, but no more than `THRESHOLD`; its
distance is that of the level set of log sigma. It must not know priors or losses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from lightkiln.fields.blob_radiance import BlobRadiance
from lightkiln.fields.surface_grid import SurfaceGrid, lattice_points, true_distance

REFRESH_EVERY = 16
TABLES_RATE, NETWORK_RATE = (0.01, 0.003), (0.003, 0.001)
"""Of a step; at the start and the end (instant-ngp's, and a third of it)."""
THRESHOLD = 10.0
"""1 / radius: opaque within a tenth of the ball (DreamFusion's meshes: 10 to 25)."""
SOLID_QUANTILE = 0.99
"""Of the densities of the lattice: so dense is a solid's inside."""


@dataclass(slots=True)
class DensityStage:
    """A density at work."""

    solid: BlobRadiance
    seed: int

    def prepare(self, u: float) -> bool:
        """Nothing changes with u: all levels learn from the start."""
        return False

    def rates(self, u: float) -> dict[str, float]:
        """Of Adam, by the names of the solid's parts."""
        return {
            name: float(first * (last / first) ** u)
            for name, (first, last) in (("tables", TABLES_RATE), ("network", NETWORK_RATE))
        }

    def settle(self, num_done: int) -> None:
        """After a step: take stock of what is empty, every few."""
        if num_done % REFRESH_EVERY == 0:
            self.solid.refresh(np.random.default_rng((self.seed, num_done)))

    def state(self) -> dict[str, NDArray[Any]]:
        """What it has learned."""
        found = self.solid.state_dict().items()
        return {name: value.detach().cpu().numpy().copy() for name, value in found}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Have it again."""
        self.solid.load_state_dict(
            {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        )


def surface_of(density: BlobRadiance, side: int) -> SurfaceGrid:
    """The surface of a density, on a lattice, with its colours."""
    device = density.grid.tables.device
    sigma, albedo = density.everywhere(lattice_points(side).to(device))
    level = min(
        THRESHOLD,
        0.5 * float(torch.quantile(sigma.cpu()[:: len(sigma) // 100_000 + 1], SOLID_QUANTILE)),
    )
    # 1e-9: of nothing there is no logarithm, and far below any threshold.
    inside = (sigma.clamp(min=1e-9) / max(level, 1e-9)).log().clamp(-4.0, 4.0)
    f = (-inside / 4.0).reshape(side, side, side)
    return SurfaceGrid(true_distance(f, 2.0 / (side - 1)), albedo.reshape(side, side, side, 3))
