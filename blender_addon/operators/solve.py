# SPDX-License-Identifier: GPL-3.0-or-later
"""Putting a solved scene right: its floor, its scale, its origin. One click each, one undo step.

All of it moves the one empty that holds the scene; cameras and points follow.
"""

from typing import ClassVar

import bpy
import numpy as np
from bpy.props import FloatProperty
from bpy.types import Context, Event, Object, Operator
from mathutils import Matrix

from .. import placing, solve

SELECT_POINTS = "in the edit mode of its points, or objects"


class _OfSolved:
    """Base of what wants a solved scene."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    num_points: ClassVar[int] = 0
    """So many points must be selected at least."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        if solve.current(context) is None:
            several = bool(solve.roots(context.scene))
            cls.poll_message_set(
                "Select one of the solved scenes" if several else "There is no solved scene yet"
            )
            return False
        if placing.num_selected(context) < cls.num_points:
            cls.poll_message_set(f"Select {cls.num_points} points {SELECT_POINTS}")
            return False
        return True


class SelectSolved(_OfSolved, Operator):
    bl_idname = "lightkiln.select_solved"
    bl_label = "Select Its Cameras"
    bl_description = "Select the solved cameras and take their region, ready for Reconstruct"

    def execute(self, context: Context) -> set[str]:
        solve.take_up(context.scene, solve.current(context))
        return {"FINISHED"}


class SetFloor(_OfSolved, Operator):
    bl_idname = "lightkiln.set_floor"
    bl_label = "Floor"
    bl_description = (
        "Turn the solved scene so that the selected points lie on the floor: three or more points "
        "in the edit mode of its point cloud, or three objects. The cameras stay above"
    )
    num_points = 3

    def execute(self, context: Context) -> set[str]:
        root = solve.current(context)
        centres = np.array([camera.matrix_world.translation for camera in solve.cameras(root)])
        try:
            move = placing.onto_floor(placing.selected(context), centres)
        except ValueError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return _move(root, move)


class SetUp(_OfSolved, Operator):
    bl_idname = "lightkiln.set_up"
    bl_label = "Up from View"
    bl_description = "Turn the solved scene so that what is up in this view is up in the world"

    @classmethod
    def poll(cls, context: Context) -> bool:
        if context.region_data is None:
            cls.poll_message_set("There is no 3D view here")
            return False
        return super().poll(context)

    def execute(self, context: Context) -> set[str]:
        up = np.array(context.region_data.view_rotation.to_matrix())[:, 1]
        return _move(solve.current(context), placing.turning(up, np.zeros(3)))


class SetScale(_OfSolved, Operator):
    bl_idname = "lightkiln.set_scale"
    bl_label = "Scale from Two Points"
    bl_description = (
        "Scale the solved scene so that the two selected points are as far apart as you say: two "
        "points in the edit mode of its point cloud, or two objects"
    )
    num_points = 2

    distance: FloatProperty(
        name="Distance",
        description="What you measured between the two points",
        subtype="DISTANCE",
        default=1.0,
        min=1e-6,
        soft_max=1000.0,
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        if not super().poll(context):
            return False
        if placing.num_selected(context) > cls.num_points:
            cls.poll_message_set("Select two points, not more")
            return False
        return True

    def invoke(self, context: Context, event: Event) -> set[str]:
        self.distance = max(placing.distance(placing.selected(context)), 1e-6)
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: Context) -> set[str]:
        now = placing.distance(placing.selected(context))
        if now <= 0.0:
            self.report({"ERROR"}, "The two points lie in one place: select others.")
            return {"CANCELLED"}
        return _move(solve.current(context), np.diag([*[self.distance / now] * 3, 1.0]))


class SetOrigin(_OfSolved, Operator):
    bl_idname = "lightkiln.set_origin"
    bl_label = "Origin to Cursor"
    bl_description = (
        "Move the solved scene so that what lies at the 3D cursor comes to the world's origin"
    )

    def execute(self, context: Context) -> set[str]:
        move = np.eye(4)
        move[:3, 3] = -np.array(context.scene.cursor.location)
        context.scene.cursor.location = (0.0, 0.0, 0.0)
        return _move(solve.current(context), move)


def _move(root: Object, move: np.ndarray) -> set[str]:
    if bpy.context.mode != "OBJECT":  # undo in the edit mode knows the mesh alone
        bpy.ops.object.mode_set(mode="OBJECT")
    root.matrix_world = Matrix(move.tolist()) @ root.matrix_world
    return {"FINISHED"}


CLASSES = (SelectSolved, SetFloor, SetUp, SetScale, SetOrigin)
