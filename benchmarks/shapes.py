# SPDX-License-Identifier: GPL-3.0-or-later
"""The four things that are measured on: their geometry, made by rule, about 2 m across.

Each function returns one mesh object whose faces are all visible from outside (parts are joined by
exact booleans), so that its mesh is the truth to compare with. It must not know colours or cameras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, pi, sin, tau

import bmesh
import bpy
from mathutils import Euler, Matrix, Vector, noise

SHARP_ANGLE = 0.6
"""Radians; edges bent by more keep their crease in the shading."""


def solid() -> bpy.types.Object:
    """A boulder on a hexagonal plinth, with a square notch, a round dent and a stud."""
    boulder = _primitive("solid", bmesh.ops.create_icosphere, subdivisions=6, radius=0.9)
    for vertex in boulder.data.vertices:
        way = vertex.co.normalized()
        swell = 0.16 * noise.noise(1.6 * way) + 0.03 * noise.noise(6.0 * way + Vector((7, 0, 0)))
        vertex.co += swell * way
    plinth = _prism(6, 0.85, 0.5, Matrix.Translation((0, 0, -0.85)))
    stud = _prism(48, 0.28, 0.5, Matrix.Translation((-0.25, 0.1, 0.9)))
    notch = _box((0.7, 0.7, 0.7), (0.75, -0.55, 0.55), (0.4, 0.3, 0.6))
    dent = _primitive("dent", bmesh.ops.create_icosphere, subdivisions=5, radius=0.45)
    dent.location = (-0.55, -0.75, 0.05)
    _combine(boulder, "UNION", [plinth, stud])
    _combine(boulder, "DIFFERENCE", [notch, dent])
    return boulder


def thin() -> bpy.types.Object:
    """A bowl with a waving rim, its wall 1.5 % of its width, on a foot ring."""
    wall = 0.03

    def outer(t: float) -> tuple[float, float]:
        return 0.3 + 0.7 * sin(t * pi / 2) ** 0.9, -0.45 + 0.95 * (1 - cos(t * pi / 2)) ** 0.8

    steps = [i / 40 for i in range(41)]
    outside = [(0.001, -0.45), (0.24, -0.45), (0.25, -0.55), (0.29, -0.55), *map(outer, steps)]
    inside = [(radius - wall, height + 0.3 * wall) for radius, height in map(outer, steps[::-1])]
    return _lathe("thin", [*outside, *inside, (0.001, -0.45 + wall)], _wave)


def holes() -> bpy.types.Object:
    """A ring with eight round windows, and a crossbar through two of them."""
    ring = _lathe("holes", [(0.72, -0.45), (1.0, -0.4), (1.0, 0.4), (0.72, 0.45)], closed=True)
    drills = [
        _prism(40, 0.25, 1.0, Matrix.Rotation(tau * i / 8, 4, "Z") @ _sideways(0.95))
        for i in range(8)
    ]
    _combine(ring, "DIFFERENCE", drills)
    bar = _prism(32, 0.1, 1.62, Matrix.Rotation(tau / 16, 4, "Z") @ _sideways(0.0))
    _combine(ring, "UNION", [bar])
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
    bird = _linked("plain", _evaluated(source))
    bpy.data.objects.remove(source)
    polish = bird.modifiers.new("Polish", "SMOOTH")  # the blend's own mesh is a little stepped
    polish.iterations = 8
    _apply(bird)
    return bird


def _wave(turn: float, height: float) -> float:
    """How much the bowl's upper part is lifted at an angle, metres."""
    return 0.07 * sin(5 * turn) * max(0.0, height) ** 2 * 4


def _sideways(distance: float) -> Matrix:
    """Lay a prism along X, `distance` from the middle."""
    return Matrix.Translation((distance, 0, 0)) @ Matrix.Rotation(pi / 2, 4, "Y")


def _lathe(
    name: str,
    profile: Sequence[tuple[float, float]],
    lift: Callable[[float, float], float] = lambda turn, height: 0.0,
    *,
    closed: bool = False,
    segments: int = 160,
) -> bpy.types.Object:
    """Turn a profile of (radius, height) about Z; open profiles begin and end near the axis."""
    count, rows = len(profile), len(profile) if closed else len(profile) - 1
    vertices = [
        (radius * cos(turn), radius * sin(turn), height + lift(turn, height))
        for turn in (tau * i / segments for i in range(segments))
        for radius, height in profile
    ]
    faces = [
        (
            i * count + k,
            (i + 1) % segments * count + k,
            (i + 1) % segments * count + (k + 1) % count,
            i * count + (k + 1) % count,
        )
        for i in range(segments)
        for k in range(rows)
    ]
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(vertices, [], faces)
    if not closed:
        _close_ends(mesh)
    return _linked(name, mesh)


def _close_ends(mesh: bpy.types.Mesh) -> None:
    """Draw the two small rings at the axis together to points."""
    grid = bmesh.new()
    grid.from_mesh(mesh)
    bmesh.ops.holes_fill(grid, edges=grid.edges)
    bmesh.ops.recalc_face_normals(grid, faces=grid.faces)
    grid.to_mesh(mesh)
    grid.free()


def _primitive(name: str, create: Callable[..., object], **how: object) -> bpy.types.Object:
    mesh, grid = bpy.data.meshes.new(name), bmesh.new()
    create(grid, **how)
    grid.to_mesh(mesh)
    grid.free()
    return _linked(name, mesh)


def _prism(sides: int, radius: float, height: float, matrix: Matrix) -> bpy.types.Object:
    return _primitive(
        "prism",
        bmesh.ops.create_cone,
        cap_ends=True,
        segments=sides,
        radius1=radius,
        radius2=radius,
        depth=height,
        matrix=matrix,
    )


def _box(
    size: tuple[float, float, float], place: tuple[float, float, float], turn: Sequence[float]
) -> bpy.types.Object:
    matrix = Matrix.LocRotScale(Vector(place), Euler(turn), Vector(size))
    return _primitive("box", bmesh.ops.create_cube, size=1.0, matrix=matrix)


def _combine(thing: bpy.types.Object, operation: str, parts: Sequence[bpy.types.Object]) -> None:
    """Change `thing` by an exact boolean with each part; the parts are used up."""
    for part in parts:
        step = thing.modifiers.new(operation, "BOOLEAN")
        step.operation, step.solver, step.object = operation, "EXACT", part
    _apply(thing)
    for part in parts:
        bpy.data.objects.remove(part)


def _apply(thing: bpy.types.Object) -> None:
    """Make the modifiers' result the mesh itself."""
    thing.data = _evaluated(thing)
    thing.modifiers.clear()


def _evaluated(thing: bpy.types.Object) -> bpy.types.Mesh:
    return bpy.data.meshes.new_from_object(
        thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    )


def _linked(name: str, mesh: bpy.types.Mesh) -> bpy.types.Object:
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def smoothed(thing: bpy.types.Object) -> bpy.types.Object:
    """Shade smooth but for creases."""
    thing.data.shade_smooth()
    thing.data.set_sharp_from_angle(angle=SHARP_ANGLE)
    return thing


SHAPES: dict[str, Callable[[], bpy.types.Object]] = {
    "solid": solid,
    "thin": thin,
    "holes": holes,
    "plain": plain,
}
