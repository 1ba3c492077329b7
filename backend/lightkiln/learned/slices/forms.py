# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances to simple bodies, of which phantoms are built; millimetres, negative inside.

Each is made once and asked on a lattice given as its three axes, so that a body costs only what
its own box costs. Near the surface distances are about true; farther away they are bounds.
It must not know what a body is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Axes = tuple[NDArray[Any], NDArray[Any], NDArray[Any]]
"""x (X, 1, 1), y (1, Y, 1), z (1, 1, Z), float32."""
Distance = Callable[[Axes], Float[NDArray[Any], "X Y Z"]]
Point = Sequence[float]


def ellipsoid(centre: Point, radii: Point, power: float = 2.0) -> Distance:
    """|x/a|ᵖ + |y/b|ᵖ + |z/c|ᵖ = 1; an infinite radius makes a cylinder."""
    scale = float(np.min(radii))

    def distance(axes: Axes) -> NDArray[Any]:
        terms = (abs((x - m) / r) ** power for x, m, r in zip(axes, centre, radii, strict=True))
        return np.asarray((sum(terms) ** (1.0 / power) - 1.0) * scale)

    return distance


def capsule(start: Point, end: Point, radius: float, flat: float = 1.0) -> Distance:
    """Round bar about a segment; `flat` < 1 makes it thinner along x."""
    a = np.asarray(start, dtype=np.float32)
    along = np.asarray(end, dtype=np.float32) - a
    length2 = max(float(along @ along), 1e-6)

    def distance(axes: Axes) -> NDArray[Any]:
        x, y, z = (x - m for x, m in zip(axes, a, strict=True))
        t = np.clip((x * along[0] + y * along[1] + z * along[2]) / length2, 0.0, 1.0)
        x, y, z = (x - t * along[0]) / flat, y - t * along[1], z - t * along[2]
        return np.asarray(np.sqrt(x * x + y * y + z * z) - radius) * flat

    return distance


def sheet(distance: Distance, thickness: float) -> Distance:
    """The skin of a body, half of it to each side."""
    return lambda axes: abs(distance(axes)) - 0.5 * thickness


def within(distance: Distance, *others: Distance) -> Distance:
    """What all of them hold."""

    def common(axes: Axes) -> NDArray[Any]:
        found = distance(axes)
        for other in others:
            found = np.maximum(found, other(axes))
        return found

    return common


def union(*bodies: Distance) -> Distance:
    """What any of them holds."""

    def nearest(axes: Axes) -> NDArray[Any]:
        found = bodies[0](axes)
        for body in bodies[1:]:
            found = np.minimum(found, body(axes))
        return found

    return nearest


def without(distance: Distance, hole: Distance) -> Distance:
    """A body with a hole."""
    return lambda axes: np.maximum(distance(axes), -hole(axes))


def slab(axis: int, low: float, high: float) -> Distance:
    """Between two planes across an axis."""
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    return lambda axes: abs(axes[axis] - middle) - half


def hoops(
    radii: tuple[float, float],
    section: tuple[float, float],
    pitch: float,
    fall: float,
    start: float,
) -> Distance:
    """Ribs: bars round an elliptic cylinder, one each `pitch` along z, lower in front by `fall`.

    `section` is half the bar's thickness and half its height; it is open in front.
    """
    thin, high = section

    def distance(axes: Axes) -> NDArray[Any]:
        x, y, z = axes
        around = np.sqrt((x / radii[0]) ** 2 + (y / radii[1]) ** 2)
        out = (around - 1.0) * min(radii)
        forward = y / (radii[1] * np.maximum(around, 0.2))
        up = np.mod(z - start + fall * forward, pitch) - 0.5 * pitch
        bar = (np.sqrt((out / thin) ** 2 + (up / high) ** 2) - 1.0) * thin
        return np.asarray(np.maximum(bar, (forward - 0.85) * min(radii)))

    return distance
