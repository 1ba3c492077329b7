# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes as a level of refinement goes on, as functions of its progress u in [0, 1].

Sharpness grows geometrically (by a schedule, not a learned s, as grid methods do), so that the
surface is found first and fixed then; rates fall geometrically with it.
It must not know fields or photographs.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

SHARPNESS = (2.0, 6.0)
"""1/voxel, at a level's start and end: the surface's opacity is 2 voxels wide, then 0.7."""
DISTANCE_RATE = (0.03, 0.004)
"""Voxels a step."""
COLOR_RATE = (0.01, 0.002)
"""sRGB values a step."""
CURVATURE_LEFT = 0.1
"""Part of the curvature's weight that is left at the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """One resolution of the coarse-to-fine refinement."""

    voxel: float
    """Metres."""
    share: float
    """Part of the refinement's time, in [0, 1]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Of the terms of the loss, for each lattice point of the band."""

    eikonal: float
    curvature: float
    anchor: float
    opacity: float
    patches: float
    points: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The settings of one step."""

    sharpness: float
    """1/voxel."""
    distance_rate: float
    """Voxels a step."""
    color_rate: float
    """sRGB values a step."""
    weights: Weights


def pace(u: float, weights: Weights, caution: float = 1.0) -> Pace:
    """The settings at progress u; `caution` shortens the steps."""
    return Pace(
        sharpness=_between(SHARPNESS, u),
        distance_rate=caution * _between(DISTANCE_RATE, u),
        color_rate=caution * _between(COLOR_RATE, u),
        weights=Weights(
            eikonal=weights.eikonal,
            curvature=weights.curvature * CURVATURE_LEFT**u,
            anchor=weights.anchor * (1.0 - u),
            opacity=weights.opacity,
            patches=weights.patches,
            points=weights.points * (1.0 - u),
        ),
    )


class Clock:
    """Progress by steps or by time, whichever is further: what runs late is cut, not broken off."""

    def __init__(self, num_steps: int, seconds: float) -> None:
        self._num_steps, self._seconds = num_steps, seconds
        self._start = time.monotonic()

    def progress(self, step: int) -> float:
        """u in [0, 1] before a step; 1 means that the time is over."""
        late = (time.monotonic() - self._start) / max(self._seconds, 1e-9)  # no time: at once
        # Whole hundredths: a run that is in time must not depend on the clock at all.
        return min(max(step / self._num_steps, math.floor(100.0 * late) / 100.0), 1.0)


def num_steps(pixels: int, passes: float, rays: int) -> int:
    """Steps that look at every pixel `passes` times, at least one."""
    return max(1, math.ceil(passes * pixels / rays))


def _between(ends: tuple[float, float], u: float) -> float:
    """Go from one end to the other, geometrically."""
    return float(ends[0] * (ends[1] / ends[0]) ** u)
