# SPDX-License-Identifier: GPL-3.0-or-later
"""Bones of made-up trunks: spine, ribs, pelvis, and some that are nowhere in particular.

Millimetres, x to the right, y to the front, z up. It must not know organs, lattices or noise.
"""

from __future__ import annotations

from collections.abc import Iterator

from numpy.random import Generator

from .forms import capsule, ellipsoid, hoops, sheet, slab, union, within, without
from .parts import BONE, FAR, Part, Trunk, bar, blob, bone


def vertebrae(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """Vertebrae, one above the other, with discs and a canal behind them."""
    x, y = trunk.spine
    size, dense = trunk.size, draw.uniform(0.7, 1.2)
    wide, deep = draw.uniform(18, 26) * size, draw.uniform(13, 19) * size
    pitch, disc = draw.uniform(26, 38) * size, draw.uniform(4, 10)
    start, bend, lean = draw.uniform(0, pitch), draw.normal(0, 12), draw.normal(0, 8)
    yield bar((x, y, -250.0), (x + lean, y, 250.0), 0.8 * deep, draw.uniform(60, 120))
    for number in range(-5, 5):
        z = start + number * pitch
        curve = (z / 100.0) ** 2
        centre = (x + lean * z / 250.0, y + bend * curve, z)
        yield _vertebra(draw, centre, (wide, deep, 0.5 * (pitch - disc)), dense)


def _vertebra(
    draw: Generator,
    centre: tuple[float, float, float],
    half: tuple[float, float, float],
    dense: float,
) -> Part:
    """A body, an arch about the canal, and processes: one bone."""
    x, y, z = centre
    wide, deep, high = half
    behind, canal = y - deep - 7, draw.uniform(6.5, 10)
    reach, tail = draw.uniform(1.5, 2.1) * wide, draw.uniform(20, 42)
    around = ellipsoid((x, behind, z), (1.25 * canal, canal, FAR))
    arch = within(sheet(around, draw.uniform(3, 6)), slab(2, z - 0.75 * high, z + 0.5 * high))
    bodies = [
        within(ellipsoid((x, y, z), (wide, deep, FAR)), slab(2, z - high, z + high)),
        arch,
        capsule(
            (x, behind - canal, z),
            (x, behind - canal - tail, z - 0.5 * high),
            draw.uniform(5, 9),
            flat=0.45,
        ),
    ]
    for side in (-1, 1):
        root, tip = draw.uniform(0.7, 0.9) * wide * side, reach * side
        bodies.append(
            capsule(
                (x + root, behind, z + 0.2 * high), (x + tip, behind - 6, z), draw.uniform(3, 5)
            )
        )
        facet = (x + 0.75 * wide * side, behind - 0.8 * canal, z - 0.7 * high)
        bodies.append(ellipsoid(facet, (draw.uniform(5, 8), draw.uniform(5, 9), 0.6 * high)))
    hole = ellipsoid((x, behind, z), (1.1 * canal, 0.85 * canal, FAR))
    low = (x - reach - 6, behind - canal - tail - 10, z - 1.6 * high)
    return bone(
        draw, without(union(*bodies), hole), low, (x + reach + 6, y + deep, z + 1.2 * high), dense
    )


def ribs(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    inset = trunk.fat + draw.uniform(6, 16)
    a, b = trunk.half[0] - inset, trunk.half[1] - inset
    section = (draw.uniform(2.5, 5) * trunk.size, draw.uniform(4.5, 8) * trunk.size)
    distance = hoops(
        (a, b), section, draw.uniform(20, 34), draw.uniform(10, 60), draw.uniform(0, 30)
    )
    end = draw.uniform(-250, 30)
    bars = within(distance, slab(2, end, 400.0))
    yield bone(draw, bars, (-a - 6, -b - 6, end), (a + 6, b + 6, 400.0), draw.uniform(0.7, 1.1))
    if draw.random() < 0.4:  # the breast bone
        yield bone(
            draw,
            ellipsoid((0, b, 0), (20 * trunk.size, 6, FAR), 3.0),
            (-25, b - 7, -FAR),
            (25, b + 7, FAR),
            0.8,
        )


def pelvis(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """Wings that flare from the sacrum, sockets, thigh bones and the ring's front."""
    size, dense = trunk.size, draw.uniform(0.7, 1.2)
    y, z = trunk.spine[1], draw.uniform(-80, 120)
    a = min(draw.uniform(105, 140) * size, trunk.half[0] - trunk.fat - 8)
    back = y - draw.uniform(10, 25)
    bowl = ellipsoid((0, back + 95 * size, z + 60), (a, 100 * size, 170 * size))
    wing = within(
        sheet(bowl, draw.uniform(6, 16)),
        slab(1, back - 10, back + draw.uniform(70, 110) * size),
        slab(2, z - 60 * size, z + draw.uniform(60, 100)),
    )
    opening = slab(0, -draw.uniform(25, 40), draw.uniform(25, 40))
    high = (a + 10, back + 120 * size, z + 100)
    yield bone(draw, without(wing, opening), (-a - 10, back - 20, z - 60 * size), high, dense)
    sacrum = ellipsoid((0, back + 6, z + 20), (draw.uniform(40, 52) * size, 17 * size, 60 * size))
    yield bone(draw, sacrum, (-65, back - 20, z - 60), (65, back + 32, z + 95), dense)
    for side in (-1, 1):
        for level in (-1, 0, 1):  # the sacrum's holes
            hole = (side * draw.uniform(15, 22) * size, back + 6, z + 20 + 28 * level)
            yield blob(draw, hole, (4.0, 12.0, 6.0), draw.uniform(-60, 50))
        yield from _hip(draw, (side * 0.72 * a, back + 60 * size, z - 70 * size), side, size, dense)


def _hip(
    draw: Generator, centre: tuple[float, float, float], side: int, size: float, dense: float
) -> Iterator[Part]:
    """A socket, a ball in it, its neck and shaft, and two bars of the pelvis' ring."""
    x, y, z = centre
    ball, gap = draw.uniform(19, 26) * size, draw.uniform(1.5, 4)
    socket = without(
        ellipsoid((x - 6 * side, y, z + 4), [ball + gap + draw.uniform(5, 11)] * 3),
        ellipsoid(centre, [ball + gap] * 3),
    )
    limit = ball + 22
    low, high = (x - limit, y - limit, z - limit), (x + limit, y + limit, z + limit)
    yield bone(
        draw, within(socket, slab(0, *sorted((x - 60 * side, x + 8 * side)))), low, high, dense
    )
    pubis = (side * 6.0, y + draw.uniform(25, 50), z - 30 * size)
    seat = (x - 10 * side, y - 25, z - 60 * size)
    for end, radius in ((pubis, draw.uniform(6, 10)), (seat, draw.uniform(9, 15))):
        start = (x - (ball + 8) * side, y, z - 8)
        yield bar(start, end, radius, 200 * dense, label=BONE, grain=40, bone=(2.0, 700 * dense))
    yield bar(seat, pubis, 7.0, 180 * dense, label=BONE, grain=40, bone=(1.8, 700 * dense))
    outer = (x + 45 * side * size, y - 8, z - 12)
    foot = (x + 38 * side * size, y - 8, z - 250)
    yield bone(
        draw,
        union(
            ellipsoid(centre, [ball] * 3),
            capsule(centre, outer, 0.6 * ball),
            ellipsoid(outer, (14, 18, 18)),
        ),
        (x - 80, y - 40, z - 45),
        (x + 80, y + 40, z + 40),
        dense,
    )
    yield bar(
        outer,
        foot,
        draw.uniform(12, 17),
        draw.uniform(-80, 120),
        label=BONE,
        bone=(draw.uniform(3, 7), draw.uniform(800, 1300)),
    )


def limbs(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """Bones that are nowhere in particular: nobody's shape shall be learned by heart."""
    for _ in range(draw.integers(0, 4)):
        side, dense = 2 * draw.integers(2) - 1, draw.uniform(0.8, 1.2)
        x = side * draw.uniform(0.45, 0.8) * trunk.half[0]
        start = (x, draw.uniform(-0.6, 0.3) * trunk.half[1], draw.uniform(-80, 80))
        end = tuple(m + draw.normal(0, 40) for m in start)
        yield bar(
            start,
            end,
            draw.uniform(4, 18),
            draw.uniform(-60, 330) * dense,
            label=BONE,
            grain=50,
            bone=(draw.uniform(1, 5), draw.uniform(400, 1300)),
        )
