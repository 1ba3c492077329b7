# SPDX-License-Identifier: GPL-3.0-or-later
"""The region: an empty around the thing."""

from typing import ClassVar

from bpy.props import EnumProperty
from bpy.types import Context, Operator

from .. import properties, region, scene_export


class AddRegion(Operator):
    bl_idname = "lightkiln.add_region"
    bl_label = "Add Region"
    bl_description = (
        "Add an empty around what the selected cameras look at; move and scale it freely"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    shape: EnumProperty(
        name="Shape",
        items=(("BOX", "Box", "A box"), ("SPHERE", "Sphere", "A ball or an ellipsoid")),
    )

    def execute(self, context: Context) -> set[str]:
        cameras = scene_export.cameras(context)
        empty = region.add(context.scene, self.shape, cameras)
        properties.of(context).region = empty
        return {"FINISHED"}


CLASSES = (AddRegion,)
