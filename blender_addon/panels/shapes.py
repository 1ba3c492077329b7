# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned shapes: of one photograph, points, a volume, or a seed alone."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Menu, Panel, UILayout

from .. import method_params, own_meshes, shape_order, status
from ..given import MESH, MESHES
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
            if source in (MESH, MESHES):
                _draw_meshes(layout, context, source)
            elif source:
                layout.prop(shape, source)
            if source in ("", MESHES):
                row = layout.row(align=True)
                row.prop(shape, "seed")
                row.operator("lightkiln.roll_seed", text="", icon="FILE_REFRESH").of = "shape"
            if source in ("", "picture", MESH, MESHES):
                layout.prop(shape, "size")
            wrapped(layout, context, info.summary, icon="INFO")
        learns = info is not None and shape_order.source_of(info) == MESHES
        press(layout).operator(
            "lightkiln.shape",
            text="Learn My Shapes" if learns else "Make Shape",
            icon="MESH_ICOSPHERE",
        )
        wrapped(layout, context, shape_order.problem(context), icon="INFO")


def _draw_meshes(layout: UILayout, context: Context, source: str) -> None:
    """What it is made from: the selection, or one of the asset libraries."""
    shape = context.scene.lightkiln.shape
    if source == MESHES:
        layout.prop(shape, "meshes")
    if source == MESHES and shape.meshes == "LIBRARY":
        known = context.preferences.filepaths
        layout.prop_search(shape, "library", known, "asset_libraries", icon="ASSET_MANAGER")
    else:
        count = len(own_meshes.selected(context))
        layout.label(text=f"{count} meshes are selected", icon="MESH_DATA")


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
