# SPDX-License-Identifier: GPL-3.0-or-later
"""What of each photograph is the object."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Panel, UILayout

from .. import masks, method_params, properties, scene_export, status
from ..shared.messages import MethodInfo
from .layout import Tab, split, wrapped


class MasksPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_masks"
    bl_parent_id = "LIGHTKILN_PT_scene"
    bl_label = "Masks"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout = self.layout
        split(layout)
        settings = properties.of(context)
        cameras = scene_export.cameras(context)
        number = sum(masks.mask_of(camera.data) is not None for camera in cameras)
        layout.label(text=f"{number} of {len(cameras)} selected cameras have one", icon="MOD_MASK")
        if number == 0:
            wrapped(layout, context, "Without them, transparency in the images counts, if any.")
        layout.prop(settings, "mask_by", expand=True)
        if settings.mask_by == "KEY":
            layout.prop(settings, "key_color")
            layout.prop(settings, "key_tolerance")
        layout.operator("lightkiln.segment", icon="MOD_MASK").method = "segment"
        for name, info in status.current.cutters.items():
            if name != "segment":
                _draw_network(layout, context, info)
        row = layout.row(align=True)
        row.operator("lightkiln.masks_from_folder", icon="FILE_FOLDER")
        row.operator("lightkiln.remove_masks", text="", icon="X")


def _draw_network(layout: UILayout, context: Context, info: MethodInfo) -> None:
    """The button of a method that somebody added, with what it must be told."""
    column = layout.column()
    column.enabled = not info.unavailable
    column.operator("lightkiln.segment", text=info.title).method = info.name
    wrapped(column, context, info.unavailable)
    group = method_params.group_of(context.scene, info.name)
    for spec in method_params.specs_of(info.name):
        if not (spec.advanced or info.unavailable):
            column.prop(group, spec.name)


CLASSES = (MasksPanel,)
