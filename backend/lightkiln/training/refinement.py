# SPDX-License-Identifier: GPL-3.0-or-later
"""One step of photometric refinement: draw pixels, render, compare, move the field.

Gradients of the photographs are divided by the rays that fall on one lattice cell of the surface,
so that the regularisers' weights mean the same at every resolution and batch size.
It must not know phases, previews or meshes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.fields.band import Band
from lightkiln.ops.kernels import fused
from lightkiln.ops.kernels.adam import no_moments, step_color, step_distance
from lightkiln.ops.kernels.arrays import (
    ROW,
    TERMS,
    Outcome,
    Targets,
    empty_gradients,
    empty_outcome,
)
from lightkiln.ops.kernels.regularise import Priors, regularise

from .photos import rays_through
from .scenery import Scenery
from .schedule import Pace

CHUNKS = 2
"""Gradient buffers, and so the most threads that a step uses in its costliest part."""
FLOOR = 0.1
"""Of Adam's denominator: gradients well below it are noise and move little."""
VIEW_DECAY = 0.002
"""Pull of view-dependent coefficients towards 0 at each touch: place explains colour first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a step saw."""

    loss: float
    psnr: float
    """Of the drawn pixels, decibels."""
    eikonal: float
    """Mean of (|grad f| - 1)² over the points beside the surface."""


class Refiner:
    """A band, what it learns from and the memory of the optimiser, which starts empty."""

    def __init__(self, band: Band, scenery: Scenery, pixels: NDArray[Any], seed: int) -> None:
        """`pixels` (n,) are those to learn from; they are drawn in an order made from `seed`."""
        self._band, self._scenery, self._seed = band, scenery, seed
        self._pixels = np.random.default_rng(seed).permutation(pixels)
        self._gradients = empty_gradients(CHUNKS, band.field(1.0))
        self._distance_moments = no_moments(band.distance)
        self._color_moments = no_moments(band.color)

    def step(self, index: int, num_rays: int, pace: Pace) -> Figures:
        """Learn from the next pixels; raises FloatingPointError if the loss is no number."""
        draw = np.random.default_rng((self._seed, index))
        turn = np.arange(index * num_rays, (index + 1) * num_rays)
        batch = self._scenery.batch(self._pixels[turn % len(self._pixels)], draw)
        rays = rays_through(self._scenery.photos, self._band, batch.pixels, draw.random(num_rays))
        targets = batch.targets(pace.weights.opacity)
        out = empty_outcome(num_rays)
        fused.backpropagate(self._band.field(pace.sharpness), rays, targets, out, self._gradients)
        if not math.isfinite(float(out.loss.sum())):
            raise FloatingPointError("the loss is not a number")
        eikonal = self._move(num_rays, pace)
        self._scenery.learn(batch, out, targets)
        return _figures(out, targets, eikonal)

    def _move(self, num_rays: int, pace: Pace) -> float:
        """Add the regularisers' gradients, step, and return the mean eikonal error."""
        band, weights = self._band, pace.weights
        cells = max(int((np.abs(band.distance) < 0.5).sum()), 1)
        density = num_rays / cells
        terms = np.array([weights.eikonal, weights.curvature, weights.anchor]) * density
        errors = np.zeros((len(band.near), 2), dtype=np.float32)
        regularise(
            band.distance,
            band.near,
            Priors(band.anchor, band.trust, terms.astype(np.float32)),
            self._gradients.distance[0],
            errors,
        )
        floor, rate = FLOOR * density, pace.distance_rate
        step_distance(band.distance, self._distance_moments, self._gradients, rate, floor)
        step_color(band.color, self._color_moments, self._gradients, _color_pace(pace.color_rate))
        total, count = errors.sum(axis=0, dtype=np.float64)
        return float(total / max(count, 1.0))


def _color_pace(rate: float) -> NDArray[Any]:
    """Rates and decays (2, 12): view-dependent coefficients are slower, and fade."""
    pace = np.empty((2, ROW), dtype=np.float32)
    pace[0], pace[1] = 0.5 * rate, VIEW_DECAY
    pace[0, ::TERMS], pace[1, ::TERMS] = rate, 0.0
    return pace


def _figures(out: Outcome, targets: Targets, eikonal: float) -> Figures:
    seen = targets.gain * out.color + out.transmittance[:, None] * targets.background
    error = float(np.mean((seen - targets.color) ** 2))
    return Figures(
        loss=float(out.loss.mean()), psnr=-10.0 * math.log10(max(error, 1e-10)), eikonal=eikonal
    )
