# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned shapes: of one photograph, points, a volume, or a seed alone."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Menu, Panel

from .. import method_params, shape_order, status
from .layout import Tab, methods, press, split, wrapped


class ShaperMenu(Menu):
    bl_idname = "LIGHTKILN_MT_shaper"
    bl_label = "Method"

    def draw(self, context: Context) -> None:
        methods(self.layout, status.current.shapers, "lightkiln.choose_shaper")


class ShapesPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_shapes"
    bl_label = "Learned Shapes"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, shape = self.layout, context.scene.lightkiln.shape
        split(layout)
        info = shape_order.method_of(context.scene)
        if info is not None:
            layout.menu("LIGHTKILN_MT_shaper", text=info.title)
            source = shape_order.source_of(info)
            if source:
                layout.prop(shape, source)
            else:
                row = layout.row(align=True)
                row.prop(shape, "seed")
                row.operator("lightkiln.roll_seed", text="", icon="FILE_REFRESH").of = "shape"
            if source in ("", "picture"):
                layout.prop(shape, "size")
            wrapped(layout, context, info.summary, icon="INFO")
        press(layout).operator("lightkiln.shape", icon="MESH_ICOSPHERE")
        wrapped(layout, context, shape_order.problem(context), icon="INFO")


class ShapeParamsPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_shape_params"
    bl_parent_id = "LIGHTKILN_PT_shapes"
    bl_label = "Method"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return shape_order.method_of(context.scene) is not None

    def draw(self, context: Context) -> None:
        layout, scene = self.layout, context.scene
        split(layout)
        info = shape_order.method_of(scene)
        group = method_params.group_of(scene, info.name)
        for spec in method_params.specs_of(info.name):
            if not spec.advanced:
                layout.prop(group, spec.name)


CLASSES = (ShaperMenu, ShapesPanel, ShapeParamsPanel)
