# SPDX-License-Identifier: GPL-3.0-or-later
"""Made-up bodies: what stands where in a trunk, and how dense it is, in Hounsfield units.

Like people only as far as a network needs it: air about a body, fat, muscle, organs, vessels and
kidneys that contrast medium makes as bright as spongy bone, and bones with a dense rim. Axes are a
scan's: x to the right, y to the front, z up, millimetres, from the middle of the trunk. Sizes and
densities are drawn wider than people's own. It must not know lattices or noise.
"""

from __future__ import annotations

from collections.abc import Iterator

from numpy.random import Generator

from .forms import ellipsoid, sheet, slab, within
from .parts import CONTRAST, FAR, OTHER, Part, Trunk, bar, blob
from .skeleton import limbs, pelvis, ribs, vertebrae

REGIONS = ("chest", "belly", "pelvis")


def body(draw: Generator) -> tuple[Trunk, list[Part]]:
    """Draw a body: its measures, and its parts in the order in which they are painted."""
    half = (draw.uniform(120, 195), draw.uniform(85, 130))
    fat = draw.uniform(4, 0.25 * half[1])
    spine = (draw.normal(0, 6), -(half[1] - fat) * draw.uniform(0.3, 0.55))
    trunk = Trunk(half, fat, spine, draw.uniform(0.8, 1.2), bool(draw.random() < 0.7))
    region = REGIONS[draw.integers(3)]
    parts = [*_walls(draw, trunk), *_organs(draw, trunk), *_gut(draw, trunk)]
    parts += _lungs(draw, trunk) if region == "chest" else ()
    parts += [*_vessels(draw, trunk), *vertebrae(draw, trunk)]
    parts += pelvis(draw, trunk) if region == "pelvis" else ribs(draw, trunk)
    parts += [*limbs(draw, trunk), *_table(draw, trunk)]
    return trunk, parts


def _walls(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """Skin, fat, muscle, and the fat between the organs."""
    a, b = trunk.half
    yield _cylinder((0.0, 0.0), (a, b), draw.uniform(0, 60))
    yield _cylinder((0.0, 0.0), (a - 2, b - 2), draw.uniform(-115, -75))
    a, b = a - trunk.fat, b - trunk.fat
    yield _cylinder((0.0, 0.0), (a, b), draw.uniform(30, 75))
    wall, front = draw.uniform(10, 25), draw.uniform(0.1, 0.3) * b
    yield _cylinder((0, front), (a - wall, b - front - 0.6 * wall), draw.uniform(-115, 40))


def _cylinder(centre: tuple[float, float], half: tuple[float, float], value: float) -> Part:
    return Part(
        distance=ellipsoid((*centre, 0.0), (*half, FAR), power=2.3),
        low=(centre[0] - half[0], centre[1] - half[1], -FAR),
        high=(centre[0] + half[0], centre[1] + half[1], FAR),
        value=value,
    )


def _place(draw: Generator, trunk: Trunk) -> tuple[float, float, float]:
    """Somewhere before the spine."""
    a, b = trunk.half
    return (draw.uniform(-0.6, 0.6) * a, draw.uniform(-0.25, 0.6) * b, draw.uniform(-90, 90))


def _radii(draw: Generator, low: float, high: float) -> tuple[float, float, float]:
    x, y, z = draw.uniform(low, high, 3)
    return (x, y, z)


def _organs(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """Soft ones, then kidneys and others that contrast medium has reached."""
    for _ in range(draw.integers(3, 9)):
        yield blob(draw, _place(draw, trunk), _radii(draw, 15, 70), draw.uniform(-10, 90))
    x, y = trunk.spine
    for side in (-1, 1):
        reached = trunk.enhanced and draw.random() < 0.9
        value, label = (draw.uniform(140, 270), CONTRAST) if reached else (40.0, OTHER)
        where = (x + side * draw.uniform(45, 75), y + draw.uniform(-10, 35), draw.uniform(-60, 60))
        kidney = blob(draw, where, _radii(draw, 18, 45), value, label, grain=30)
        yield kidney
        if draw.random() < 0.7:  # its pelvis: darker
            yield blob(draw, (where[0] - 12 * side, *where[1:]), _radii(draw, 6, 14), 20.0)
    for _ in range(draw.integers(0, 4) if trunk.enhanced else 0):
        value = draw.uniform(130, 280)
        yield blob(draw, _place(draw, trunk), _radii(draw, 8, 45), value, CONTRAST, grain=30)


def _gut(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """Loops with air, stool or bright drink in a wall."""
    for _ in range(draw.integers(2, 9)):
        start, radius = _place(draw, trunk), draw.uniform(7, 26)
        end = tuple(m + draw.normal(0, 30) for m in start)
        kind = draw.integers(4 if trunk.enhanced else 3)
        value = (draw.uniform(-1000, -850), draw.uniform(-350, 60), 20.0, draw.uniform(150, 320))[
            kind
        ]
        yield bar(start, end, radius + draw.uniform(1.5, 4), draw.uniform(20, 70))
        label = CONTRAST if kind == 3 else OTHER
        yield bar(start, end, radius, value, label=label, grain=150.0 if kind == 1 else 15.0)


def _lungs(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    a, b = trunk.half
    base, value = draw.uniform(-150, 20), draw.uniform(-920, -750)
    for side in (-1, 1):
        where = (side * 0.42 * a, draw.uniform(-0.1, 0.15) * b, base + 200)
        radii = (0.3 * a, draw.uniform(0.5, 0.62) * b, 220.0)
        yield blob(draw, where, radii, value, grain=60)
    heart = (draw.uniform(-30, 30), 0.3 * b, draw.uniform(-60, 60))
    bright = trunk.enhanced
    value = draw.uniform(130, 330) if bright else 45.0
    yield blob(draw, heart, _radii(draw, 35, 60), 50.0)
    yield blob(draw, heart, _radii(draw, 20, 34), value, CONTRAST if bright else OTHER)


def _vessels(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """The large ones before the spine and some branches."""
    x, y = trunk.spine
    value, label = (draw.uniform(140, 400), CONTRAST) if trunk.enhanced else (45.0, OTHER)
    front = y + 26 * trunk.size
    for side in (-1, 1):
        radius, at = draw.uniform(6, 15), x + side * draw.uniform(8, 20)
        start = (at, front + radius + draw.uniform(-4, 8), -250.0)
        end = (at + draw.normal(0, 12), start[1] + draw.normal(0, 6), 250.0)
        yield bar(
            start,
            end,
            radius,
            value * draw.uniform(0.7, 1.0) if label else value,
            label=label,
            grain=15,
        )
    for _ in range(draw.integers(2, 8)):
        start = _place(draw, trunk)
        tip = tuple(m + draw.normal(0, 45) for m in start)
        yield bar(start, tip, draw.uniform(2, 6), value, label=label)


def _table(draw: Generator, trunk: Trunk) -> Iterator[Part]:
    """What a patient lies on is dense in places, thin, and no bone."""
    if draw.random() < 0.6:
        below = -trunk.half[1] - draw.uniform(3, 20)
        curve = ellipsoid((0, below + 300, 0), (420, 300, FAR))
        yield Part(
            distance=within(sheet(curve, draw.uniform(2, 5)), slab(1, below - 5, below + 60)),
            low=(-250, below - 5, -FAR),
            high=(250, below + 60, FAR),
            value=draw.uniform(-300, 500),
        )
