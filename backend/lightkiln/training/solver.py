# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a step of refinement is computed: on this processor, or (`solver_torch`) on a device.

A solver holds a band, its gradient and the memory of the optimiser. `see` renders rays and keeps
the gradient of their losses, `move` takes the step, `settle` makes the band's own arrays current.
It must not know photographs.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from lightkiln.fields.band import Band
from lightkiln.ops.kernels import fused, patch_pull, point_pull
from lightkiln.ops.kernels.adam import no_moments, step_color, step_distance
from lightkiln.ops.kernels.arrays import (
    ROW,
    TERMS,
    Outcome,
    Rays,
    Targets,
    empty_gradients,
    empty_outcome,
)
from lightkiln.ops.kernels.patch_pull import Patches
from lightkiln.ops.kernels.regularise import Priors, regularise
from lightkiln.ops.kernels.stereo_patch import Bundle

from .schedule import Pace

CHUNKS = 2
"""Gradient buffers, and so the most threads that a step uses in its costliest part."""
FLOOR = 0.1
"""Of Adam's denominator: gradients well below it are noise and move little."""
VIEW_DECAY = 0.002
"""Pull of view-dependent coefficients towards 0 at each touch: place explains colour first."""


class Solver(Protocol):
    """What `Refiner` asks of the place where it computes."""

    def see(self, sharpness: float, rays: Rays, targets: Targets) -> Outcome:
        """Render the rays and keep the gradient of their losses' sum."""

    def compare(
        self, sharpness: float, bundle: Bundle, patches: Patches, weight: float
    ) -> NDArray[Any]:
        """Keep the gradient of `weight` times the patches' costs; return these, NaN where none."""

    def hold(self, places: NDArray[Any], weights: NDArray[Any]) -> None:
        """Keep the gradient of the loss of points (n, 3) of the surface, lattice units."""

    def move(self, density: float, pace: Pace) -> float:
        """Add the regularisers' gradients, times `density`, and step; the mean eikonal error."""

    def settle(self) -> None:
        """Write what was learned into the band."""


class NumbaSolver:
    """On this processor; the band's arrays are always current."""

    def __init__(self, band: Band) -> None:
        self._band = band
        self._gradients = empty_gradients(CHUNKS, band.field(1.0))
        self._distance_moments = no_moments(band.distance)
        self._color_moments = no_moments(band.color)

    def see(self, sharpness: float, rays: Rays, targets: Targets) -> Outcome:
        out = empty_outcome(len(rays.origins))
        fused.backpropagate(self._band.field(sharpness), rays, targets, out, self._gradients)
        return out

    def compare(
        self, sharpness: float, bundle: Bundle, patches: Patches, weight: float
    ) -> NDArray[Any]:
        costs = np.empty(len(patches.places), dtype=np.float32)
        field = self._band.field(sharpness)
        patch_pull.pull(field, bundle, patches, weight, self._gradients, costs)
        return costs

    def hold(self, places: NDArray[Any], weights: NDArray[Any]) -> None:
        point_pull.pull(self._band.field(1.0), places, weights, self._gradients)

    def move(self, density: float, pace: Pace) -> float:
        band, errors = self._band, np.zeros((len(self._band.near), 2), dtype=np.float32)
        regularise(
            band.distance,
            band.near,
            Priors(band.anchor, band.trust, prior_weights(density, pace)),
            self._gradients.distance[0],
            errors,
        )
        floor, rate = FLOOR * density, pace.distance_rate
        step_distance(band.distance, self._distance_moments, self._gradients, rate, floor)
        step_color(band.color, self._color_moments, self._gradients, color_pace(pace.color_rate))
        total, count = errors.sum(axis=0, dtype=np.float64)
        return float(total / max(count, 1.0))

    def settle(self) -> None:
        pass  # the kernels work on the band itself


def prior_weights(density: float, pace: Pace) -> NDArray[Any]:
    """(3,) float32: of eikonal, curvature and anchor."""
    weights = pace.weights
    terms = np.array([weights.eikonal, weights.curvature, weights.anchor]) * density
    return terms.astype(np.float32)


def color_pace(rate: float) -> NDArray[Any]:
    """Rates and decays (2, 12): view-dependent coefficients are slower, and fade."""
    pace = np.empty((2, ROW), dtype=np.float32)
    pace[0], pace[1] = 0.5 * rate, VIEW_DECAY
    pace[0, ::TERMS], pace[1, ::TERMS] = rate, 0.0
    return pace
