# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reconstruction is made from: cameras, images and the region."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Object, Panel, UILayout

from .. import properties, scene_export
from ..region import DISPLAY_TYPES as REGION_TYPES
from .layout import Tab, split, wrapped


class ScenePanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_scene"
    bl_label = "Scene"

    def draw(self, context: Context) -> None:
        layout = self.layout
        split(layout)
        settings = properties.of(context)
        cameras = scene_export.cameras(context)
        count = f"{len(cameras)} camera{'' if len(cameras) == 1 else 's'}"
        layout.label(text=f"{count} selected", icon="CAMERA_DATA")
        layout.prop(settings, "region")
        _shapes(layout, settings.region)
        layout.operator("lightkiln.fit_region", icon="PIVOT_BOUNDBOX")
        wrapped(layout, context, scene_export.problem(context), icon="INFO")


class ImagesPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_images"
    bl_parent_id = "LIGHTKILN_PT_scene"
    bl_label = "Images"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}  # aligned cameras have theirs

    def draw(self, context: Context) -> None:
        layout = self.layout
        split(layout)
        layout.prop(properties.of(context), "image_folder")
        layout.operator("lightkiln.render_views", icon="RENDER_STILL")


def _shapes(layout: UILayout, region: Object | None) -> None:
    """Both shapes: of the region that there is, or of one to add."""
    row = layout.row(align=True)
    for shape, name, icon in (("BOX", "Box", "CUBE"), ("SPHERE", "Sphere", "SPHERE")):
        if region is None:
            row.operator("lightkiln.add_region", text=f"Add {name}", icon=icon).shape = shape
            continue
        is_so = REGION_TYPES[shape] == region.empty_display_type
        row.operator("lightkiln.shape_region", text=name, icon=icon, depress=is_so).shape = shape


CLASSES = (ScenePanel, ImagesPanel)
