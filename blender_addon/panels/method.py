# SPDX-License-Identifier: GPL-3.0-or-later
"""How it is made: the method, its preset and parameters, and the button that starts it."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Menu, Panel

from .. import method_params, properties, status
from .layout import Tab, methods, press, split


class MethodMenu(Menu):
    bl_idname = "LIGHTKILN_MT_method"
    bl_label = "Method"

    def draw(self, context: Context) -> None:
        layout = self.layout
        if not status.current.methods:
            layout.label(text="Connect to see the backend's methods")
        methods(layout, status.current.methods, "lightkiln.choose_method")


class MethodPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_method"
    bl_label = "Method"

    def draw(self, context: Context) -> None:
        layout = self.layout
        split(layout)
        settings = properties.of(context)
        info = status.current.methods.get(settings.method)
        halves = layout.split(factor=0.4)
        halves.alignment = "RIGHT"
        halves.label(text="Method")
        title = info.title if info else settings.method.replace("-", " ").title()
        halves.menu("LIGHTKILN_MT_method", text=title)
        layout.prop(settings, "preset")
        layout.prop(settings, "time_limit")
        press(layout).operator("lightkiln.reconstruct", icon="MOD_REMESH")


class _Params(Tab):
    """Base of the two panels of a method's parameters."""

    advanced: ClassVar[bool]
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        specs = method_params.specs_of(properties.of(context).method)
        return any(spec.advanced == cls.advanced for spec in specs)

    def draw(self, context: Context) -> None:
        layout = self.layout
        split(layout)
        method = properties.of(context).method
        group = method_params.group_of(context.scene, method)
        for spec in method_params.specs_of(method):
            if spec.advanced == self.advanced:
                layout.prop(group, spec.name)
        layout.operator("lightkiln.reset_params")


class ParamsPanel(_Params, Panel):
    bl_idname = "LIGHTKILN_PT_params"
    bl_parent_id = "LIGHTKILN_PT_method"
    bl_label = "Parameters"
    advanced = False


class AdvancedParamsPanel(_Params, Panel):
    bl_idname = "LIGHTKILN_PT_advanced_params"
    bl_parent_id = "LIGHTKILN_PT_method"
    bl_label = "Advanced Parameters"
    advanced = True


CLASSES = (
    MethodMenu,
    MethodPanel,
    ParamsPanel,
    AdvancedParamsPanel,
)
