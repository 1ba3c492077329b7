# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of photometric refinement: draw pixels, render, compare, move the field.

Gradients of the photographs are divided by the rays that fall on one lattice cell of the surface,
so that the regularisers' weights mean the same at every resolution and batch size.
It must not know phases, previews or meshes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightkiln.fields.band import Band
from lightkiln.ops.kernels.arrays import Outcome, Targets

from .comparisons import Comparisons
from .landmarks import Landmarks
from .photos import rays_through
from .scenery import Scenery
from .schedule import Pace
from .solver import NumbaSolver, Solver
from .solver_torch import TorchSolver

RAYS_A_PATCH = 8
"""A patch costs as much as some rays and says more of the depth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a step saw."""

    loss: float
    psnr: float
    """Of the drawn pixels, decibels."""
    eikonal: float
    """Mean of (|grad f| - 1)² over the points beside the surface."""


class Beside(NamedTuple):
    """What a band learns from beside single pixels; None where it is not wanted."""

    comparisons: Comparisons | None
    landmarks: Landmarks | None


class Refiner:
    """A band, what it learns from and the memory of the optimiser, which starts empty."""

    def __init__(
        self,
        band: Band,
        scenery: Scenery,
        beside: Beside,
        pixels: NDArray[Any],
        seed: int,
        device: str,
    ) -> None:
        """`pixels` (n,) are those to learn from; they are drawn in an order made from `seed`."""
        self._band, self._scenery, self._seed = band, scenery, seed
        self._beside = beside
        self._pixels = np.random.default_rng(seed).permutation(pixels)
        self._solver: Solver = NumbaSolver(band) if device == "cpu" else TorchSolver(band, device)
        # Cells of the surface; a level changes few of them.
        self._num_cells = max(int((np.abs(band.distance) < 0.5).sum()), 1)

    def step(self, index: int, num_rays: int, pace: Pace) -> Figures:
        """Learn from the next pixels; raises FloatingPointError if the loss is no number."""
        draw = np.random.default_rng((self._seed, index))
        turn = np.arange(index * num_rays, (index + 1) * num_rays)
        batch = self._scenery.batch(self._pixels[turn % len(self._pixels)], draw)
        rays = rays_through(self._scenery.photos, self._band, batch.pixels, draw.random(num_rays))
        targets = batch.targets(pace.weights.opacity)
        out = self._solver.see(pace.sharpness, rays, targets)
        if not math.isfinite(float(out.loss.sum())):
            raise FloatingPointError("the loss is not a number")
        self._learn_beside(index, num_rays, pace)
        eikonal = self._solver.move(num_rays / self._num_cells, pace)
        self._scenery.learn(batch, out, targets)
        return _figures(out, targets, eikonal)

    def _learn_beside(self, index: int, num_rays: int, pace: Pace) -> None:
        """From patches, which weigh as much as the rays, and from points, as much as a cell each;
        all times their weights."""
        comparisons, landmarks, weights = *self._beside, pace.weights
        if comparisons is not None and weights.patches > 0.0:
            for bundle, patches in comparisons.draw(index, num_rays // RAYS_A_PATCH):
                share = weights.patches * RAYS_A_PATCH
                self._solver.compare(pace.sharpness, bundle, patches, share)
        if landmarks is not None and weights.points > 0.0:
            share = weights.points * num_rays / self._num_cells
            self._solver.hold(landmarks.places, np.float32(share) * landmarks.weights)

    def settle(self) -> None:
        """Make the band's own arrays current: on a device they are behind."""
        self._solver.settle()


def _figures(out: Outcome, targets: Targets, eikonal: float) -> Figures:
    seen = targets.gain * out.color + out.transmittance[:, None] * targets.background
    error = float(np.mean((seen - targets.color) ** 2))
    return Figures(
        loss=float(out.loss.mean()), psnr=-10.0 * math.log10(max(error, 1e-10)), eikonal=eikonal
    )
