# SPDX-License-Identifier: GPL-3.0-or-later
"""A small toolbox for solid geometry in Blender: turned, swept and joined by exact booleans.

It must not know what is made with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import cos, sin, tau

import bmesh
import bpy
from mathutils import Euler, Matrix, Vector

SHARP_ANGLE = 0.6
"""Radians; edges bent by more keep their crease in the shading."""


def lathe(
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
    return linked(name, mesh)


def _close_ends(mesh: bpy.types.Mesh) -> None:
    """Cap the two small rings about the axis."""
    grid = bmesh.new()
    grid.from_mesh(mesh)
    bmesh.ops.holes_fill(grid, edges=grid.edges)
    bmesh.ops.recalc_face_normals(grid, faces=grid.faces)
    grid.to_mesh(mesh)
    grid.free()


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
