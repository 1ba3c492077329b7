# SPDX-License-Identifier: GPL-3.0-or-later
"""A small toolbox for solid geometry in Blender: turned, swept and joined by exact booleans.

It must not know what is made with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import cos, sin, tau

import bmesh
import bpy
from mathutils import Euler, Matrix, Vector

Bend = Callable[[float, float, float], tuple[float, float]]
"""Angle, radius and height of a turned point to its radius and height."""

SHARP_ANGLE = 0.6
"""Radians; edges bent by more keep their crease in the shading."""


def spline(knots: Sequence[Sequence[float]], steps: int) -> list[Vector]:
    """Points on the Catmull-Rom curve through all knots, `steps` on each stretch."""
    points = [Vector(knot) for knot in knots]
    first, last = 2 * points[0] - points[1], 2 * points[-1] - points[-2]
    padded = [first, *points, last]
    curve = [
        0.5
        * (
            2 * b
            + (c - a) * t
            + (2 * a - 5 * b + 4 * c - d) * t**2
            + (3 * b - a - 3 * c + d) * t**3
        )
        for a, b, c, d in zip(padded, padded[1:], padded[2:], padded[3:], strict=False)
        for t in (i / steps for i in range(steps))
    ]
    return [*curve, points[-1]]


def lathe(
    name: str,
    profile: Sequence[Sequence[float]],
    bend: Bend = lambda turn, radius, height: (radius, height),
    *,
    closed: bool = False,
    segments: int = 160,
) -> bpy.types.Object:
    """Turn a profile of (radius, height) about Z, bent at each angle; open ends are capped."""
    count, rows = len(profile), len(profile) if closed else len(profile) - 1
    bent = [
        (turn, *bend(turn, radius, height))
        for turn in (tau * i / segments for i in range(segments))
        for radius, height in profile
    ]
    vertices = [(radius * cos(turn), radius * sin(turn), height) for turn, radius, height in bent]
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
    return _capped(name, vertices, faces)


def sweep(
    name: str, path: Sequence[Vector], radii: tuple[float, float], segments: int = 32
) -> bpy.types.Object:
    """A bar along a path of (x, z); its section is an ellipse, radii in the plane and across it."""
    vertices = []
    for before, point, after in zip([path[0], *path], path, [*path[1:], path[-1]], strict=False):
        along = (after - before).normalized()
        for turn in (tau * i / segments for i in range(segments)):
            side = radii[0] * cos(turn)
            x, z = point.x - side * along.y, point.y + side * along.x
            vertices.append((x, radii[1] * sin(turn), z))
    faces = [
        (a * segments + i, b * segments + i, b * segments + j, a * segments + j)
        for a, b in pairwise(range(len(path)))
        for i, j in ((i, (i + 1) % segments) for i in range(segments))
    ]
    return _capped(name, vertices, faces)


def _capped(
    name: str, vertices: Sequence[Sequence[float]], faces: Sequence[Sequence[int]]
) -> bpy.types.Object:
    """An object whose open rings are closed by flat faces and whose faces look outwards."""
    mesh, grid = bpy.data.meshes.new(name), bmesh.new()
    mesh.from_pydata(vertices, [], faces)
    grid.from_mesh(mesh)
    bmesh.ops.holes_fill(grid, edges=grid.edges)
    bmesh.ops.recalc_face_normals(grid, faces=grid.faces)
    grid.to_mesh(mesh)
    grid.free()
    return linked(name, mesh)


def primitive(name: str, create: Callable[..., object], **how: object) -> bpy.types.Object:
    mesh, grid = bpy.data.meshes.new(name), bmesh.new()
    create(grid, **how)
    grid.to_mesh(mesh)
    grid.free()
    return linked(name, mesh)


def prism(sides: int, radius: float, height: float, matrix: Matrix) -> bpy.types.Object:
    return primitive(
        "prism",
        bmesh.ops.create_cone,
        cap_ends=True,
        segments=sides,
        radius1=radius,
        radius2=radius,
        depth=height,
        matrix=matrix,
    )


def box(
    size: tuple[float, float, float], place: tuple[float, float, float], turn: Sequence[float]
) -> bpy.types.Object:
    matrix = Matrix.LocRotScale(Vector(place), Euler(turn), Vector(size))
    return primitive("box", bmesh.ops.create_cube, size=1.0, matrix=matrix)


def combine(thing: bpy.types.Object, operation: str, parts: Sequence[bpy.types.Object]) -> None:
    """Change `thing` by an exact boolean with each part; the parts are used up."""
    for part in parts:
        step = thing.modifiers.new(operation, "BOOLEAN")
        step.operation, step.solver, step.object = operation, "EXACT", part
        step.material_mode = "TRANSFER"
    apply(thing)
    for part in parts:
        bpy.data.objects.remove(part)


def apply(thing: bpy.types.Object) -> None:
    """Make the modifiers' result the mesh itself."""
    thing.data = evaluated(thing)
    thing.modifiers.clear()


def evaluated(thing: bpy.types.Object) -> bpy.types.Mesh:
    return bpy.data.meshes.new_from_object(
        thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    )


def linked(name: str, mesh: bpy.types.Mesh) -> bpy.types.Object:
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(thing)
    return thing


def smoothed(thing: bpy.types.Object) -> bpy.types.Object:
    """Shade smooth but for creases."""
    thing.data.shade_smooth()
    thing.data.set_sharp_from_angle(angle=SHARP_ANGLE)
    return thing
