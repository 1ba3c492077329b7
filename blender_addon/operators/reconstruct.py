# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a reconstruction: its method, its parameters and the button."""

from dataclasses import replace
from typing import ClassVar

from bpy.types import Context, Operator

from .. import frames, method_params, properties, scene_export, solve
from ..shots import Order
from .starting import StartsJob


class Reconstruct(StartsJob, Operator):
    bl_idname = "lightkiln.reconstruct"
    bl_label = "Reconstruct"
    bl_description = "Send the selected cameras' images to the backend and make a mesh of them"

    @classmethod
    def missing(cls, context: Context) -> str:
        return scene_export.problem(context) or frames.problem(context.scene)

    def order(self, context: Context) -> Order:
        return replace(scene_export.order(context), path=frames.path(context))

    def execute(self, context: Context) -> set[str]:
        done = super().execute(context)
        if done == {"FINISHED"}:  # points would stand before the preview and the mesh
            for cloud in solve.clouds(context.visible_objects):
                cloud.hide_set(True)
        return done


class ResetParams(Operator):
    bl_idname = "lightkiln.reset_params"
    bl_label = "Reset to Preset"
    bl_description = "Set all parameters to the preset's values"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def execute(self, context: Context) -> set[str]:
        method_params.fill(context.scene, properties.of(context).preset)
        return {"FINISHED"}


CLASSES = (
    Reconstruct,
    ResetParams,
)
