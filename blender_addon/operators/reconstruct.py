# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting a reconstruction: its method, its parameters and the button."""

from typing import ClassVar

from bpy.props import StringProperty
from bpy.types import Context, Operator

from .. import jobs, method_params, properties, scene_export, status
from ..shared.errors import LightkilnError


class Reconstruct(Operator):
    bl_idname = "lightkiln.reconstruct"
    bl_label = "Reconstruct"
    bl_description = "Send the selected cameras' images to the backend and make a mesh of them"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        if job is not None and not job.is_over:
            cls.poll_message_set("A job is running: cancel it or wait for it")
            return False
        if wrong := scene_export.problem(context):
            cls.poll_message_set(wrong.rstrip("."))
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        try:
            jobs.submit(scene_export.order(context), context.scene.name)
        except LightkilnError as error:
            status.current.problem = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class ChooseMethod(Operator):
    bl_idname = "lightkiln.choose_method"
    bl_label = "Choose Method"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Name")

    @classmethod
    def description(cls, context: Context, operator: Operator) -> str:
        info = status.current.methods.get(operator.name)
        return info.summary.rstrip(".") if info else ""

    def execute(self, context: Context) -> set[str]:
        properties.of(context).method = self.name
        return {"FINISHED"}


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
    ChooseMethod,
    ResetParams,
)
