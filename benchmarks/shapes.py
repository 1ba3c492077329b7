# SPDX-License-Identifier: GPL-3.0-or-later
"""The four things that are measured on: their geometry, made by rule, about 2 m across.

Each function returns one mesh object whose faces are all visible from outside (parts are joined by
exact booleans), so that its mesh is the truth to compare with. It must not know colours or cameras.
"""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin, tau

import bmesh
import bpy
from mathutils import Matrix, Vector, noise

from benchmarks import solids


def solid() -> bpy.types.Object:
    """A boulder on a hexagonal plinth, with a square notch, a round dent and a stud."""
    boulder = solids.primitive("solid", bmesh.ops.create_icosphere, subdivisions=6, radius=0.9)
    for vertex in boulder.data.vertices:
        way = vertex.co.normalized()
        swell = 0.16 * noise.noise(1.6 * way) + 0.03 * noise.noise(6.0 * way + Vector((7, 0, 0)))
        vertex.co += swell * way
    plinth = solids.prism(6, 0.85, 0.5, Matrix.Translation((0, 0, -0.85)))
    stud = solids.prism(48, 0.28, 0.5, Matrix.Translation((-0.25, 0.1, 0.9)))
    notch = solids.box((0.7, 0.7, 0.7), (0.75, -0.55, 0.55), (0.4, 0.3, 0.6))
    dent = solids.primitive("dent", bmesh.ops.create_icosphere, subdivisions=5, radius=0.45)
    dent.location = (-0.55, -0.75, 0.05)
    solids.combine(boulder, "UNION", [plinth, stud])
    solids.combine(boulder, "DIFFERENCE", [notch, dent])
    return boulder


def thin() -> bpy.types.Object:
    """A bowl with a waving rim, its wall 1.5 % of its width, on a foot ring."""
    wall, steps = 0.03, [i / 40 for i in range(41)]
    bow = [
        Vector((0.3 + 0.7 * sin(t * pi / 2) ** 0.9, -0.45 + 0.95 * (1 - cos(t * pi / 2)) ** 0.8))
        for t in steps
    ]
    ways = [(b - a).normalized() for a, b in zip([bow[0], *bow], [*bow[1:], bow[-1]], strict=False)]
    inside = [point + wall * Vector((-way.y, way.x)) for point, way in zip(bow, ways, strict=True)]
    foot = [(0.001, -0.45), (0.24, -0.45), (0.25, -0.55), (0.29, -0.55)]
    profile = [*foot, *bow, *reversed(inside), (0.001, inside[0].y)]
    return solids.lathe("thin", profile, _wave)


def holes() -> bpy.types.Object:
    """A ring with eight round windows, and a crossbar through two of them."""
    ring = solids.lathe(
        "holes", [(0.72, -0.45), (1.0, -0.4), (1.0, 0.4), (0.72, 0.45)], closed=True
    )
    drills = [
        solids.prism(40, 0.25, 1.0, Matrix.Rotation(tau * i / 8, 4, "Z") @ _sideways(0.95))
        for i in range(8)
    ]
    solids.combine(ring, "DIFFERENCE", drills)
    bar = solids.prism(32, 0.1, 1.62, Matrix.Rotation(tau / 16, 4, "Z") @ _sideways(0.0))
    solids.combine(ring, "UNION", [bar])
    return ring


def plain() -> bpy.types.Object:
    """A smooth bird of blended balls, sitting."""
    data = bpy.data.metaballs.new("plain")
    data.resolution = data.render_resolution = 0.03
    data.threshold = 0.3
    for place, radius in (
        ((0.0, 0.0, -0.15), 0.95),
        ((0.0, 0.28, -0.25), 0.8),
        ((0.0, -0.5, 0.55), 0.62),
        ((0.0, -0.98, 0.5), 0.26),
        ((0.0, 0.8, 0.05), 0.5),
        ((0.0, 1.15, 0.3), 0.35),
        ((0.42, 0.2, 0.0), 0.5),
        ((-0.42, 0.2, 0.0), 0.5),
    ):
        ball = data.elements.new()
        ball.co, ball.radius = place, radius
    source = bpy.data.objects.new("blend", data)
    bpy.context.scene.collection.objects.link(source)
    bird = solids.linked("plain", solids.evaluated(source))
    bpy.data.objects.remove(source)
    polish = bird.modifiers.new("Polish", "SMOOTH")  # the blend's own mesh is a little stepped
    polish.iterations = 8
    solids.apply(bird)
    return bird


def _wave(turn: float, radius: float, height: float) -> tuple[float, float]:
    """Lift the bowl's upper part by turns."""
    return radius, height + 0.28 * sin(5 * turn) * max(0.0, height) ** 2


def _sideways(distance: float) -> Matrix:
    """Lay a prism along X, `distance` from the middle."""
    return Matrix.Translation((distance, 0, 0)) @ Matrix.Rotation(pi / 2, 4, "Y")


SHAPES: dict[str, Callable[[], bpy.types.Object]] = {
    "solid": solid,
    "thin": thin,
    "holes": holes,
    "plain": plain,
}
