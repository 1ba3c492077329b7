# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reconstruction is made from: cameras, images and the region."""

from __future__ import annotations

from bpy.types import Context, Panel

from .. import properties, scene_export
from .layout import Tab, wrapped


class ScenePanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_scene"
    bl_label = "Scene"

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        settings = properties.of(context)
        cameras = scene_export.cameras(context)
        count = f"{len(cameras)} camera{'' if len(cameras) == 1 else 's'}"
        layout.label(text=f"{count} selected", icon="CAMERA_DATA")
        layout.prop(settings, "image_folder")
        layout.operator("lightkiln.render_views", icon="RENDER_STILL")
        layout.prop(settings, "region")
        row = layout.row(align=True)
        row.operator("lightkiln.add_region", text="Box", icon="CUBE").shape = "BOX"
        row.operator("lightkiln.add_region", text="Sphere", icon="SPHERE").shape = "SPHERE"
        wrapped(layout, context, scene_export.problem(context), icon="INFO")


CLASSES = (ScenePanel,)
