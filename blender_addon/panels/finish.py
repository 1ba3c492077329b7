# SPDX-License-Identifier: GPL-3.0-or-later
"""How the surface is finished: set up before a job, and again for another finish of its result."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Panel, UILayout

from .. import properties
from .layout import Tab, split


class FinishPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_finish"
    bl_parent_id = "LIGHTKILN_PT_method"
    bl_label = "Texture and Faces"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        options(self.layout, context)


def options(layout: UILayout, context: Context) -> None:
    """Draw the options of the finish."""
    split(layout)
    finish = properties.of(context).finish
    layout.row().prop(finish, "color", expand=True)
    column = layout.column()
    column.enabled = finish.color == "TEXTURE"
    column.prop(finish, "size")
    column.prop(finish, "normal_map")
    layout.prop(finish, "faces")
    column = layout.column(heading="Surface")
    column.prop(finish, "fill_holes")
    column.prop(finish, "keep_largest")


CLASSES = (FinishPanel,)
