# SPDX-License-Identifier: GPL-3.0-or-later
"""Families of things with random parameters: each one a few solid bodies in closed form.

A thing stands on z = 0 about the origin, its front towards -Y; `things` brings it to its final
size. Every family has a front or is round, so that what faces a viewer can be learned (a box
without a front cannot be placed). It must not know pictures or networks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from lightkiln.priors.embedded.shapes import Body, ball, box, cone, cut, handle


class Piece(NamedTuple):
    """A body, and which of the thing's colours it has."""

    body: Body
    color: int = 0


Family = Callable[[Generator], list[Piece]]


def chair(draw: Generator) -> list[Piece]:
    """Four legs or a post, a seat, a back, perhaps arms."""
    width, depth = draw.uniform(0.34, 0.5, 2)
    seat, back = draw.uniform(0.35, 0.6), draw.uniform(0.3, 0.75)
    thick, leg = draw.uniform(0.04, 0.09), draw.uniform(0.03, 0.06)
    pieces = [Piece(box((width, depth, thick), (0.0, 0.0, seat)))]
    tall = seat + thick + 0.5 * back
    pieces.append(Piece(box((width, thick, 0.5 * back), (0.0, depth - thick, tall))))
    if draw.random() < 0.25:
        pieces += [
            Piece(cone(0.03, seat, leg, leg), 1),
            Piece(cone(0.0, 0.07, 0.8 * width, 0.7 * width), 1),
        ]
    else:
        pieces += _legs(width - leg, depth - leg, leg, seat)
    if draw.random() < 0.35:
        high = seat + 0.22
        pieces += [
            Piece(box((0.04, depth, 0.04), (side * (width - 0.04), 0.0, high)), 1)
            for side in (-1, 1)
        ]
        pieces += [
            Piece(box((0.03, 0.03, 0.13), (side * (width - 0.04), 0.05 - depth, high - 0.1)), 1)
            for side in (-1, 1)
        ]
    return pieces


def sofa(draw: Generator) -> list[Piece]:
    """A wide seat between two arms before a back."""
    width, depth = draw.uniform(0.55, 1.1), draw.uniform(0.35, 0.5)
    seat, back = draw.uniform(0.22, 0.4), draw.uniform(0.25, 0.5)
    arm, high = draw.uniform(0.08, 0.16), draw.uniform(0.08, 0.22)
    soft = draw.uniform(0.02, 0.07)
    sides = [
        Piece(box((arm, depth, 0.5 * (seat + high)), (s * width, 0.0, 0.5 * (seat + high)), soft))
        for s in (-1, 1)
    ]
    middle = 0.5 * (seat + back)
    return [
        Piece(box((width, depth, 0.5 * seat), (0.0, 0.0, 0.5 * seat), soft)),
        Piece(box((width, 0.12, middle), (0.0, depth - 0.1, middle), soft)),
        *sides,
    ]


def table(draw: Generator) -> list[Piece]:
    """A plate on four legs, on a post or on two boards."""
    width, depth, high = draw.uniform(0.45, 0.9), draw.uniform(0.3, 0.45), draw.uniform(0.4, 0.8)
    thick, leg = draw.uniform(0.03, 0.07), draw.uniform(0.03, 0.07)
    kind = draw.integers(3)
    if kind == 1:
        return [
            Piece(cone(high - thick, high + thick, depth + 0.15, depth + 0.15)),
            Piece(cone(0.02, high, leg + 0.03, leg + 0.02), 1),
            Piece(cone(0.0, 0.07, 0.75 * depth, 0.6 * depth), 1),
        ]
    plate = Piece(box((width, depth, thick), (0.0, 0.0, high)))
    if kind == 2:
        boards = [
            Piece(box((leg, 0.85 * depth, 0.5 * high), (s * 0.8 * width, 0.0, 0.5 * high)), 1)
            for s in (-1, 1)
        ]
        return [plate, *boards]
    return [plate, *_legs(width - leg - 0.02, depth - leg - 0.02, leg, high)]


def lamp(draw: Generator) -> list[Piece]:
    """A foot, a post and a shade that opens downwards."""
    foot, post, high = draw.uniform(0.16, 0.32), draw.uniform(0.03, 0.06), draw.uniform(0.6, 1.2)
    low, top, tall = draw.uniform(0.25, 0.42), draw.uniform(0.08, 0.24), draw.uniform(0.2, 0.4)
    return [
        Piece(cone(0.0, draw.uniform(0.06, 0.12), foot, draw.uniform(0.4, 1.0) * foot), 1),
        Piece(cone(0.04, high, post, post), 1),
        Piece(cone(high - 0.3 * tall, high + 0.7 * tall, low, top)),
    ]


def mug(draw: Generator) -> list[Piece]:
    """A hollow cup; its handle is on the right."""
    radius, high = draw.uniform(0.28, 0.42), draw.uniform(0.5, 0.95)
    wall, flare = draw.uniform(0.05, 0.09), draw.uniform(0.85, 1.15)
    hole = cone(wall + 0.02, high + 0.2, radius - wall, flare * radius - wall)
    cup = cut(cone(0.0, high, radius, flare * radius), hole)
    size = draw.uniform(0.26, 0.36) * high
    grip = handle(size, draw.uniform(0.045, 0.07), (radius * 0.5 * (1 + flare), 0.0, 0.52 * high))
    return [Piece(cup), Piece(cut(grip, cone(-0.1, high + 0.2, 0.9 * radius, 0.9 * radius)), 1)]


def bottle(draw: Generator) -> list[Piece]:
    """A body, a shoulder, a neck and a cap."""
    radius, high = draw.uniform(0.18, 0.34), draw.uniform(0.4, 0.75)
    slope, neck = draw.uniform(0.12, 0.3), draw.uniform(0.06, 0.11)
    long, cap = draw.uniform(0.1, 0.3), draw.uniform(0.05, 0.1)
    end = high + slope + long
    return [
        Piece(cone(0.0, high, draw.uniform(0.9, 1.0) * radius, radius)),
        Piece(cone(high - 0.03, high + slope, radius, neck)),
        Piece(cone(high + slope - 0.04, end, neck, neck)),
        Piece(cone(end - 0.02, end + cap, neck + 0.02, neck + 0.02), 1),
    ]


def plane(draw: Generator) -> list[Piece]:
    """A hull along y with wings and a tail; it flies towards -Y."""
    long, thick = draw.uniform(0.8, 1.1), draw.uniform(0.09, 0.15)
    span, chord, flat = draw.uniform(0.6, 1.1), draw.uniform(0.13, 0.24), draw.uniform(0.03, 0.05)
    place, high = draw.uniform(-0.25, 0.1), 0.35
    tail = long - draw.uniform(0.08, 0.16)
    pieces = [
        Piece(_lying(cone(-long, 0.9 * long, thick, draw.uniform(0.4, 0.8) * thick), high)),
        Piece(_at(ball(1.0, (0.0, 0.0, 0.0)), (0.0, -long, high), (thick, 2.0 * thick, thick))),
        Piece(box((span, chord, flat), (0.0, place, high - draw.uniform(-0.5, 0.5) * thick)), 1),
        Piece(box((0.38 * span, 0.6 * chord, flat), (0.0, tail, high + 0.03)), 1),
        Piece(box((flat, 0.6 * chord, 0.17), (0.0, tail, high + 0.19)), 1),
    ]
    if draw.random() < 0.5:
        far = draw.uniform(0.35, 0.6) * span
        pieces += [
            Piece(_moved(_lying(cone(-0.16, 0.16, 0.07, 0.06), high - 0.1), (s * far, place, 0.0)))
            for s in (-1, 1)
        ]
    return pieces


def car(draw: Generator) -> list[Piece]:
    """A body, a cabin towards the back, four wheels; it drives towards -Y."""
    long, wide, low = draw.uniform(0.75, 1.05), draw.uniform(0.32, 0.42), draw.uniform(0.12, 0.2)
    cabin, tall = draw.uniform(0.35, 0.65) * long, draw.uniform(0.14, 0.26)
    wheel, clear = draw.uniform(0.13, 0.19), draw.uniform(0.02, 0.08)
    middle = clear + wheel * 0.5 + low
    roof = (0.0, draw.uniform(0.0, long - cabin), middle + low + tall - 0.04)
    wheels = [
        Piece(_wheel(wheel, (x * (wide - 0.03), y * 0.62 * long, wheel)), 2)
        for x in (-1, 1)
        for y in (-1, 1)
    ]
    return [
        Piece(box((wide, long, low), (0.0, 0.0, middle), 0.06)),
        Piece(box((0.86 * wide, cabin, tall), roof, 0.08), 1),
        *wheels,
    ]


def boat(draw: Generator) -> list[Piece]:
    """A hull, hollow above, with a cabin or a mast; its bow is towards -Y."""
    long, wide, deep = draw.uniform(0.8, 1.1), draw.uniform(0.28, 0.42), draw.uniform(0.26, 0.4)
    hull = _at(ball(1.0, (0.0, 0.0, 0.0)), (0.0, 0.0, deep), (wide, long, deep))
    room = _at(
        ball(1.0, (0.0, 0.0, 0.0)), (0.0, 0.0, deep + 0.06), (wide - 0.06, long - 0.1, deep - 0.05)
    )
    above = box((2.0, 2.0, 1.0), (0.0, 0.0, deep + 1.0))
    pieces = [Piece(cut(cut(hull, above), room))]
    if draw.random() < 0.5:
        tall = draw.uniform(0.12, 0.25)
        place = (0.0, draw.uniform(0.0, 0.3 * long), deep - 0.08 + tall)
        return [*pieces, Piece(box((0.6 * wide, 0.3 * long, tall), place), 1)]
    mast = draw.uniform(0.7, 1.1)
    sail = box((0.025, 0.32 * long, 0.36 * mast), (0.0, 0.33 * long, deep + 0.5 * mast))
    return [*pieces, Piece(cone(0.1, deep + mast, 0.035, 0.03), 2), Piece(sail, 1)]


FAMILIES: dict[str, Family] = {
    each.__name__: each for each in (chair, sofa, table, lamp, mug, bottle, plane, car, boat)
}


def _legs(x: float, y: float, width: float, high: float) -> list[Piece]:
    return [
        Piece(box((width, width, 0.5 * high), (i * x, j * y, 0.5 * high)), 1)
        for i in (-1, 1)
        for j in (-1, 1)
    ]


def _moved(body: Body, by: tuple[float, float, float]) -> Body:
    return lambda x: body(x - np.array(by))


def _lying(body: Body, high: float) -> Body:
    """An upright body of revolution about the origin, laid along y at that height."""

    def distance(x: NDArray[Any]) -> NDArray[Any]:
        return body(np.stack([x[:, 0], x[:, 2] - high, x[:, 1]], axis=-1))

    return distance


def _wheel(radius: float, at: tuple[float, float, float]) -> Body:
    """A disc that rolls along y."""
    disc = cone(-0.06, 0.06, radius, radius)
    return lambda x: disc((x - np.array(at))[:, [1, 2, 0]])


def _at(body: Body, at: tuple[float, float, float], stretch: tuple[float, float, float]) -> Body:
    """A unit ball stretched to an ellipsoid: a bound of the distance, true in sign and zero set."""
    return lambda x: body((x - np.array(at)) / np.array(stretch)) * min(stretch)
