# SPDX-License-Identifier: GPL-3.0-or-later
"""A sentence as things with places: all of them together fill the unit ball about the origin.

It must not know pictures or networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from .sentence import Sentence, Thing
from .shapes import SHAPES, Shape

SCALE = {"small": 0.62, "medium": 0.85, "big": 1.15}
FILLED = 0.92
"""Radius of what holds a pair, of the unit ball's; of a lone thing, by its size:"""
FILLED_ALONE = {"small": 0.55, "medium": 0.78, "big": 0.92}
OVERHANG = 1.25
"""How much wider than its seat a thing on another may be."""
SUNK = 0.5
"""Most of its height by which something inside another may be hidden."""
COMPANION = 0.6
"""Of its size, a thing that is with another."""
GAP = 0.06
STRETCH = 0.05
"""Most by which no two things of a kind are alike, of their size, along each axis."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """A thing in its place: x_world = place + stretch x_own."""

    thing: Thing
    place: NDArray[Any]
    """(3,)"""
    stretch: NDArray[Any]
    """(3,)"""

    @property
    def shape(self) -> Shape:
        return SHAPES[self.thing.shape]

    def own(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """World to the thing's own frame."""
        return np.asarray((x - self.place) / self.stretch)

    def distance(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], " n"]:
        """A bound of the signed distance: exact in sign."""
        return np.asarray(self.shape.distance(self.own(x)) * self.stretch.min())


Arrangement = tuple[Placed, ...]


def arranged(sentence: Sentence, draw: np.random.Generator | None = None) -> Arrangement:
    """The things in their places; with `draw`, each a little wider or higher than usual."""
    placed = _pair(sentence) if sentence.second is not None else _alone(sentence.first)
    if draw is not None:
        placed = tuple(_varied(each, draw) for each in placed)
    radius = FILLED if sentence.second is not None else FILLED_ALONE[sentence.first.size]
    return _fitted(placed, radius)


def distance(arrangement: Arrangement, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], " n"]:
    """Of all things together."""
    return np.asarray(np.minimum.reduce([placed.distance(x) for placed in arrangement]))


def _alone(thing: Thing) -> Arrangement:
    return (_at(thing, (0.0, 0.0, 0.0), 1.0),)


def _pair(sentence: Sentence) -> Arrangement:
    first, second = sentence.first, sentence.second
    assert second is not None
    a, b = SHAPES[first.shape], SHAPES[second.shape]
    scale_a, scale_b = SCALE[first.size], SCALE[second.size]
    base = _at(second, (0.0, 0.0, 0.0), scale_b)
    if sentence.relation == "on":
        scale = min(scale_a, OVERHANG * b.seat_radius * scale_b / a.radius)
        return _at(first, (0.0, 0.0, b.seat * scale_b), scale), base
    if sentence.relation == "inside":
        scale = b.room * scale_b / a.radius
        low = max(b.floor * scale_b, b.seat * scale_b - SUNK * a.height * scale)
        return _at(first, (0.0, 0.0, low), scale), base
    if sentence.relation == "with":
        own, beside = _at(first, (0.0, 0.0, 0.0), scale_a), COMPANION * scale_b
        reach = 0.85 * (a.radius * scale_a + b.radius * beside) + GAP
        return own, _at(second, (0.92 * reach, -0.39 * reach, 0.0), beside)
    reach = 0.85 * (a.radius * scale_a + b.radius * scale_b) + GAP
    return _at(first, (-reach, 0.0, 0.0), scale_a), base


def _at(thing: Thing, place: tuple[float, float, float], scale: float) -> Placed:
    return Placed(thing=thing, place=np.array(place), stretch=np.full(3, scale))


def _varied(placed: Placed, draw: np.random.Generator) -> Placed:
    wider, higher = 1.0 + STRETCH * draw.uniform(-1.0, 1.0, 2)
    stretch = placed.stretch * np.array([wider, wider, higher])
    return Placed(thing=placed.thing, place=placed.place, stretch=stretch)


def _fitted(arrangement: Arrangement, radius: float) -> Arrangement:
    """Moved and scaled into the ball of that radius about the origin, by upright cylinders."""
    rims = np.concatenate([_rims(placed) for placed in arrangement])
    centre = 0.5 * (rims.min(axis=0) + rims.max(axis=0))
    scale = radius / np.linalg.norm(rims - centre, axis=1).max()
    return tuple(
        Placed(
            thing=placed.thing,
            place=(placed.place - centre) * scale,
            stretch=placed.stretch * scale,
        )
        for placed in arrangement
    )


def _rims(placed: Placed) -> NDArray[Any]:
    """Points (n, 3) on the two rims of the cylinder that holds the thing."""
    turn = np.linspace(0.0, 2.0 * np.pi, 16, endpoint=False)
    ring = placed.shape.radius * np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    low = np.concatenate([ring, np.zeros((16, 1))], axis=1)
    high = np.concatenate([ring, np.full((16, 1), placed.shape.height)], axis=1)
    return np.asarray(np.concatenate([low, high]) * placed.stretch + placed.place)
