# SPDX-License-Identifier: GPL-3.0-or-later
"""Where selected points are, and the motions that put a scene right by them.

A floor is the plane nearest to its points: through their mean, and across the direction in which
they spread least. A motion onto it turns that direction to +Z on the shortest way.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bpy.types import Context
from mathutils import Vector
from numpy.typing import NDArray

FLATNESS = 1e-3
"""Points that spread less than this, as part of their widest spread, are on one line."""


def num_selected(context: Context) -> int:
    """How many points are selected."""
    if context.mode == "EDIT_MESH" and context.edit_object is not None:
        return int(context.edit_object.data.total_vert_sel)
    return len(context.selected_objects)


def selected(context: Context) -> NDArray[Any]:
    """The selected vertices of the mesh that is edited, or the places of the selected objects.

    (N, 3), metres, world axes.
    """
    if context.mode == "EDIT_MESH":
        thing = context.edit_object
        thing.update_from_editmode()
        vertices = (vertex for vertex in thing.data.vertices if vertex.select)
        places = [thing.matrix_world @ vertex.co for vertex in vertices]
    else:
        places = [thing.matrix_world.translation for thing in context.selected_objects]
    return np.array(places, dtype=np.float64).reshape(-1, 3)


def distance(points: NDArray[Any]) -> float:
    """Between the first point and the last."""
    return float(np.linalg.norm(points[-1] - points[0]))


def onto_floor(points: NDArray[Any], above: NDArray[Any]) -> NDArray[Any]:
    """The motion (4, 4) that brings points (N, 3) to z = 0, and most of `above` (M, 3) over it.

    Raises `ValueError` if the points give no plane.
    """
    mean = points.mean(axis=0)
    _, spread, axes = np.linalg.svd(points - mean)
    if spread[1] <= FLATNESS * spread[0]:
        raise ValueError("The points lie on one line: select three that span the floor.")
    up = axes[2]
    if len(above) and np.median((above - mean) @ up) < 0.0:
        up = -up
    move = turning(up, mean)
    move[2, 3] -= mean[2]
    return move


def turning(up: NDArray[Any], pivot: NDArray[Any]) -> NDArray[Any]:
    """The shortest turn (4, 4) about a point (3,) that makes a direction (3,) point up."""
    turn = np.array(Vector(up).rotation_difference(Vector((0.0, 0.0, 1.0))).to_matrix())
    move = np.eye(4)
    move[:3, :3] = turn
    move[:3, 3] = pivot - turn @ pivot
    return move
