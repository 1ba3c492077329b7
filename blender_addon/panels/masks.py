# SPDX-License-Identifier: GPL-3.0-or-later
"""What of each photograph is the object."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Panel

from .. import masks, properties, scene_export, status
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
                row = layout.row()
                row.enabled = not info.unavailable
                reason = f" ({info.unavailable})" if info.unavailable else ""
                row.operator("lightkiln.segment", text=info.title + reason).method = name
        row = layout.row(align=True)
        row.operator("lightkiln.masks_from_folder", icon="FILE_FOLDER")
        row.operator("lightkiln.remove_masks", text="", icon="X")


CLASSES = (MasksPanel,)
