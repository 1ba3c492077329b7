# SPDX-License-Identifier: GPL-3.0-or-later
"""The things of the built-in world as signed distances, in closed form.

A thing stands on z = 0 about the origin, its front towards -Y, about 1 wide or high. Distances are
exact for single bodies, and within solids that are cut or joined a bound of the true one
(Hart 1996): their sign and zero set are exact everywhere. It must not know words or pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

Points = Float[NDArray[Any], "n 3"]
Distance = Float[NDArray[Any], " n"]
Body = Callable[[Points], Distance]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A body and whose colour it has."""

    body: Body
    color: str = ""
    """A colour of its own; empty: the thing's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """A kind of thing."""

    parts: tuple[Part, ...]
    radius: float
    """Of the upright cylinder about the z axis that holds it, but for the mug's grip."""
    height: float
    seat: float
    """Height at which something can stand on it."""
    seat_radius: float
    """How wide what stands there may be."""
    floor: float = 0.0
    """Height at which something inside it stands, for containers."""
    room: float = 0.0
    """How wide what is inside may be."""

    def distance(self, x: Points) -> Distance:
        """Of all parts together."""
        return np.asarray(np.minimum.reduce([part.body(x) for part in self.parts]))


def box(
    half: tuple[float, float, float], at: tuple[float, float, float], soft: float = 0.02
) -> Body:
    """A box with edges rounded by `soft`."""

    def distance(x: Points) -> Distance:
        q = np.abs(x - np.array(at)) - (np.array(half) - soft)
        outside = np.linalg.norm(np.maximum(q, 0.0), axis=-1)
        return np.asarray(outside + np.minimum(q.max(axis=-1), 0.0) - soft)

    return distance


def ball(radius: float, at: tuple[float, float, float]) -> Body:
    return lambda x: np.linalg.norm(x - np.array(at), axis=-1) - radius


def turned(profile: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]) -> Body:
    """A body of revolution about z from a distance in (radius, height)."""
    return lambda x: profile(np.hypot(x[:, 0], x[:, 1]), x[:, 2])


def cone(low: float, high: float, r_low: float, r_high: float, soft: float = 0.015) -> Body:
    """An upright frustum from z = low to z = high with those radii; a cylinder where they agree."""
    r1, r2, h = r_low - soft, max(r_high - soft, 1e-3), 0.5 * (high - low) - soft
    middle = 0.5 * (low + high)

    def profile(r: NDArray[Any], z: NDArray[Any]) -> NDArray[Any]:
        q = np.stack([r, z - middle], axis=-1)
        k1, k2 = np.array([r2, h]), np.array([r2 - r1, 2.0 * h])
        cap = np.where(q[:, 1] < 0.0, r1, r2)
        ca = np.stack([q[:, 0] - np.minimum(q[:, 0], cap), np.abs(q[:, 1]) - h], axis=-1)
        part = np.clip(((k1 - q) @ k2) / (k2 @ k2), 0.0, 1.0)
        cb = q - k1 + part[:, None] * k2
        sign = np.where((cb[:, 0] < 0.0) & (ca[:, 1] < 0.0), -1.0, 1.0)
        nearest = np.minimum((ca**2).sum(axis=-1), (cb**2).sum(axis=-1))
        return np.asarray(sign * np.sqrt(nearest) - soft)

    return turned(profile)


def ring(radius: float, thick: float, height: float) -> Body:
    """A torus that lies at that height."""
    return turned(lambda r, z: np.hypot(r - radius, z - height) - thick)


def cut(body: Body, hole: Body) -> Body:
    return lambda x: np.maximum(body(x), -hole(x))


def pyramid(half: float, height: float) -> Body:
    """A square pyramid on z = 0: the inside of five planes."""
    slope = np.array([height, half]) / np.hypot(height, half)

    def distance(x: Points) -> Distance:
        side = np.maximum(np.abs(x[:, 0]), np.abs(x[:, 1])) - half
        return np.asarray(np.maximum(side * slope[0] + x[:, 2] * slope[1], -x[:, 2]))

    return distance


def handle(radius: float, thick: float, at: tuple[float, float, float]) -> Body:
    """An upright ring in the plane y = 0."""
    x0, _, z0 = at
    return lambda x: np.hypot(np.hypot(x[:, 0] - x0, x[:, 2] - z0) - radius, x[:, 1]) - thick


def roof(half: tuple[float, float], low: float, high: float) -> Body:
    """A prism whose ridge runs along y."""
    width, depth = half
    slope = np.array([high - low, width]) / np.hypot(high - low, width)

    def distance(x: Points) -> Distance:
        side = (np.abs(x[:, 0]) - width) * slope[0] + (x[:, 2] - low) * slope[1]
        return np.asarray(np.maximum.reduce([side, low - x[:, 2], np.abs(x[:, 1]) - depth]))

    return distance


def _one(*bodies: Body) -> tuple[Part, ...]:
    return tuple(Part(body=body) for body in bodies)


def _legs(half: float, width: float, high: float) -> list[Body]:
    places = [(i * half, j * half) for i in (-1, 1) for j in (-1, 1)]
    return [box((width, width, 0.5 * high), (x, y, 0.5 * high)) for x, y in places]


def _mug() -> tuple[Part, ...]:
    wall = cut(cone(0.0, 0.8, 0.36, 0.36), cone(0.1, 0.95, 0.28, 0.28))
    grip = cut(handle(0.2, 0.07, (0.37, 0.0, 0.4)), cone(-0.1, 1.0, 0.3, 0.3))
    return _one(wall, grip)


SHAPES: dict[str, Shape] = {
    "cube": Shape(
        parts=_one(box((0.4, 0.4, 0.4), (0.0, 0.0, 0.4))),
        radius=0.56, height=0.8, seat=0.8, seat_radius=0.42,
    ),
    "sphere": Shape(
        parts=_one(ball(0.45, (0.0, 0.0, 0.45))),
        radius=0.45, height=0.9, seat=0.86, seat_radius=0.42,
    ),
    "cylinder": Shape(
        parts=_one(cone(0.0, 0.9, 0.36, 0.36)),
        radius=0.36, height=0.9, seat=0.9, seat_radius=0.38,
    ),
    "cone": Shape(
        parts=_one(cone(0.0, 1.0, 0.45, 0.0)),
        radius=0.45, height=1.0, seat=0.9, seat_radius=0.36,
    ),
    "torus": Shape(
        parts=_one(ring(0.36, 0.15, 0.15)),
        radius=0.51, height=0.3, seat=0.28, seat_radius=0.44,
    ),
    "pyramid": Shape(
        parts=_one(pyramid(0.45, 0.85)),
        radius=0.64, height=0.85, seat=0.76, seat_radius=0.36,
    ),
    "bowl": Shape(
        parts=_one(
            cut(
                cut(ball(0.5, (0.0, 0.0, 0.5)), box((1.0, 1.0, 0.5), (0.0, 0.0, 1.0))),
                ball(0.42, (0.0, 0.0, 0.52)),
            ),
        ),
        radius=0.5, height=0.5, seat=0.48, seat_radius=0.5, floor=0.14, room=0.36,
    ),
    "mug": Shape(
        parts=_mug(),
        radius=0.6, height=0.8, seat=0.8, seat_radius=0.36, floor=0.12, room=0.25,
    ),
    "crate": Shape(
        parts=_one(
            cut(box((0.48, 0.36, 0.25), (0.0, 0.0, 0.25)), box((0.4, 0.28, 0.4), (0.0, 0.0, 0.5))),
        ),
        radius=0.6, height=0.5, seat=0.5, seat_radius=0.4, floor=0.12, room=0.28,
    ),
    "bottle": Shape(
        parts=(
            Part(body=cone(0.0, 0.58, 0.24, 0.24)),
            Part(body=cone(0.55, 0.76, 0.24, 0.09)),
            Part(body=cone(0.72, 0.94, 0.09, 0.09)),
            Part(body=cone(0.92, 1.04, 0.11, 0.11), color="grey"),
        ),
        radius=0.24, height=1.04, seat=1.04, seat_radius=0.3,
    ),
    "table": Shape(
        parts=_one(box((0.5, 0.5, 0.05), (0.0, 0.0, 0.62)), *_legs(0.42, 0.05, 0.6)),
        radius=0.7, height=0.67, seat=0.67, seat_radius=0.42,
    ),
    "chair": Shape(
        parts=_one(
            box((0.32, 0.32, 0.045), (0.0, 0.0, 0.46)),
            box((0.32, 0.045, 0.28), (0.0, 0.275, 0.76)),
            *_legs(0.27, 0.045, 0.45),
        ),
        radius=0.45, height=1.04, seat=0.5, seat_radius=0.27,
    ),
    "lamp": Shape(
        parts=(
            Part(body=cone(0.0, 0.08, 0.26, 0.26), color="grey"),
            Part(body=cone(0.05, 0.7, 0.045, 0.045), color="grey"),
            Part(body=cone(0.56, 1.0, 0.38, 0.2)),
        ),
        radius=0.38, height=1.0, seat=1.0, seat_radius=0.3,
    ),
    "house": Shape(
        parts=(
            Part(body=box((0.42, 0.42, 0.28), (0.0, 0.0, 0.28))),
            Part(body=roof((0.54, 0.48), 0.54, 0.98), color="brown"),
            Part(body=box((0.1, 0.03, 0.17), (0.0, -0.42, 0.17)), color="brown"),
        ),
        radius=0.66, height=0.98, seat=0.92, seat_radius=0.34,
    ),
    "tree": Shape(
        parts=(
            Part(body=cone(0.0, 0.34, 0.09, 0.09), color="brown"),
            Part(body=cone(0.28, 0.74, 0.42, 0.1)),
            Part(body=cone(0.58, 1.1, 0.31, 0.0)),
        ),
        radius=0.42, height=1.1, seat=1.02, seat_radius=0.3,
    ),
    "mushroom": Shape(
        parts=(
            Part(body=cone(0.0, 0.5, 0.17, 0.13), color="white"),
            Part(body=cut(ball(0.46, (0.0, 0.0, 0.4)), box((1.0, 1.0, 0.5), (0.0, 0.0, -0.06)))),
        ),
        radius=0.46, height=0.86, seat=0.82, seat_radius=0.4,
    ),
    "snowman": Shape(
        parts=(
            Part(body=ball(0.34, (0.0, 0.0, 0.32))),
            Part(body=ball(0.24, (0.0, 0.0, 0.76))),
            Part(body=ball(0.17, (0.0, 0.0, 1.08))),
            Part(body=ball(0.055, (0.0, -0.18, 1.07)), color="orange"),
            Part(body=ball(0.035, (-0.07, -0.15, 1.14)), color="black"),
            Part(body=ball(0.035, (0.07, -0.15, 1.14)), color="black"),
        ),
        radius=0.34, height=1.25, seat=1.22, seat_radius=0.3,
    ),
}  # fmt: skip
"""By their names in `vocabulary.SHAPES`, in that order."""
