# SPDX-License-Identifier: GPL-3.0-or-later
"""What a phantom is painted with: bodies of one stuff, and the measures that they share.

It must not know where anything is in a trunk.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from numpy.random import Generator

from .forms import Distance, capsule, ellipsoid

OTHER, BONE, CONTRAST = 0, 1, 2
"""Labels; the last are organs, vessels and gut that contrast medium has reached."""
FAR = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A body of one stuff; what is painted later covers what was there."""

    distance: Distance
    low: tuple[float, ...]
    high: tuple[float, ...]
    value: float
    """Hounsfield units."""
    label: int = OTHER
    rim: float = 0.0
    """Thickness of its cortex, mm."""
    rim_value: float = 0.0
    grain: float = 0.0
    """How much its density wanders, Hounsfield units."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """Measures that the parts share."""

    half: tuple[float, float]
    """Of the trunk, to the side and to the front, fat included."""
    fat: float
    spine: tuple[float, float]
    """Where it is, (x, y)."""
    size: float
    """Of the bones; 1 is a grown person."""
    enhanced: bool
    """Contrast medium was given."""


def blob(
    draw: Generator,
    centre: tuple[float, float, float],
    radii: tuple[float, float, float],
    value: float,
    label: int = OTHER,
    grain: float = 10.0,
) -> Part:
    return Part(
        distance=ellipsoid(centre, radii, power=draw.uniform(1.8, 2.6)),
        low=(centre[0] - radii[0], centre[1] - radii[1], centre[2] - radii[2]),
        high=(centre[0] + radii[0], centre[1] + radii[1], centre[2] + radii[2]),
        value=value,
        label=label,
        grain=grain,
    )


def bar(
    start: tuple[float, ...],
    end: tuple[float, ...],
    radius: float,
    value: float,
    *,
    label: int = OTHER,
    grain: float = 0.0,
    bone: tuple[float, float] | None = None,
) -> Part:
    low = tuple(min(p) - radius for p in zip(start, end, strict=True))
    high = tuple(max(p) + radius for p in zip(start, end, strict=True))
    rim, rim_value = bone or (0.0, 0.0)
    return Part(
        distance=capsule(start, end, radius),
        low=low,
        high=high,
        value=value,
        label=label,
        grain=grain,
        rim=rim,
        rim_value=rim_value,
    )


def bone(
    draw: Generator,
    distance: Distance,
    low: tuple[float, float, float],
    high: tuple[float, float, float],
    dense: float,
) -> Part:
    return Part(
        distance=distance,
        low=low,
        high=high,
        label=BONE,
        grain=50.0,
        value=draw.uniform(80, 330) * dense,
        rim=draw.uniform(0.8, 2.8),
        rim_value=draw.uniform(350, 1200) * dense,
    )
