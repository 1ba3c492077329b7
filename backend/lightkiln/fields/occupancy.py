# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cells of the cube [-1, 1]³ may hold something: a running maximum of the density.

After Müller et al. 2022 (arXiv:2201.05989, appendix C): every so often cells are asked for their
density at a random place, remembered values fade, and a cell counts as occupied where light would
lose `THIN` of itself within a step. It must not know networks.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.typing import NDArray
from torch import Tensor, nn

from lightkiln.ops.kernels import occupancy_torch
from lightkiln.ops.kernels.occupancy_march import Spans, count_samples, place_samples

THIN = 0.01
"""Optical thickness of a step below which nothing is seen."""
MEAN_SHARE = 0.5
"""Of the mean density: a cell that has more stays, or a field that has hardly learned would vanish
altogether."""
FADING = 0.95
"""What a refresh leaves of a cell's density."""
THOROUGH = 16
"""Refreshes that ask all cells; later ones ask a quarter at random and a quarter of the others."""

Density = Callable[[Tensor], Tensor]
"""Densities (n,) at places (n, 3) of the cube."""


class Occupancy(nn.Module):
    """Densities of cells, and which of them count."""

    density: Tensor
    allowed: Tensor
    occupied: Tensor
    num_refreshes: Tensor

    def __init__(self, allowed: Bool[Tensor, "side side side"]) -> None:
        """`allowed`: the cells that may ever be occupied."""
        super().__init__()
        self.register_buffer("density", torch.zeros(allowed.shape))
        self.register_buffer("allowed", allowed.clone())
        self.register_buffer("occupied", allowed.clone())
        self.register_buffer("num_refreshes", torch.tensor(0))

    @torch.no_grad()
    def refresh(self, density: Density, step: float, draw: np.random.Generator) -> None:
        """Ask some cells again; `step` is the distance of samples."""
        side = self.allowed.shape[0]
        cells = self._asked(draw)
        if len(cells) == 0:
            return
        index = torch.stack([cells // side**2, cells // side % side, cells % side], dim=-1)
        inside = torch.from_numpy(draw.random((len(cells), 3), dtype=np.float32))
        x = (index + inside.to(index.device)) * (2.0 / side) - 1.0
        fresh = density(x).to(self.density.dtype)
        flat = self.density.view(-1)
        flat *= FADING
        flat[cells] = torch.maximum(flat[cells], fresh)
        least = (MEAN_SHARE * self.density[self.allowed].mean()).clamp(max=THIN / step)
        self.occupied.copy_(self.allowed & (self.density >= least))
        self.num_refreshes += 1

    def _asked(self, draw: np.random.Generator) -> Tensor:
        """Flat indices of the cells to ask, each once."""
        allowed = self.allowed.view(-1).nonzero()[:, 0]
        if int(self.num_refreshes) < THOROUGH:
            return allowed
        occupied = self.occupied.view(-1).nonzero()[:, 0]
        chosen = [
            cells[
                torch.from_numpy(draw.integers(len(cells), size=len(cells) // 4)).to(cells.device)
            ]
            for cells in (allowed, occupied)
            if len(cells) > 0
        ]
        return torch.unique(torch.cat(chosen)) if chosen else allowed

    @torch.no_grad()
    def march(
        self,
        origins: Float[Tensor, "rays 3"],
        directions: Float[Tensor, "rays 3"],
        near: Float[Tensor, " rays"],
        far: Float[Tensor, " rays"],
        jitter: Float[Tensor, " rays"],
        step: float,
    ) -> tuple[Tensor, Tensor]:
        """t (samples,) and ray (samples,) of samples in occupied cells, ray by ray."""
        if near.device.type != "cpu":
            return occupancy_torch.march(
                self.occupied, origins, directions, near, far, jitter, step
            )
        cells = self.occupied.numpy()
        spans = Spans(*(_array(each) for each in (origins, directions, near, far, jitter)))
        counts = np.empty(len(near), dtype=np.int64)
        count_samples(cells, spans, step, counts)
        starts = np.concatenate([[0], np.cumsum(counts)])
        t = np.empty(starts[-1], dtype=np.float32)
        place_samples(cells, spans, step, starts, t)
        return torch.from_numpy(t), torch.from_numpy(np.repeat(np.arange(len(counts)), counts))


def _array(values: Tensor) -> NDArray[np.float32]:
    array: NDArray[np.float32] = values.contiguous().numpy()
    return array
