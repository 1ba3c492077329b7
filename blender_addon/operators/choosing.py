# SPDX-License-Identifier: GPL-3.0-or-later
"""A method out of a menu, and any other seed. It must not know what is made with them."""

from __future__ import annotations

from typing import ClassVar

from bpy.props import StringProperty
from bpy.types import Context, Operator

from .. import at_cursor, status


class _Chooses:
    """Base of what takes a method from those that are offered."""

    bl_label = "Choose Method"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Name")

    offered: ClassVar[str]
    """Where `status.current` has the methods."""
    group: ClassVar[str] = ""
    """The part of the scene's settings that has the name of the chosen one; empty: themselves."""

    @classmethod
    def description(cls, context: Context, operator: Operator) -> str:
        info = getattr(status.current, cls.offered).get(operator.name)
        return info.summary.rstrip(".") if info else ""

    def execute(self, context: Context) -> set[str]:
        settings = context.scene.lightkiln
        (getattr(settings, self.group) if self.group else settings).method = self.name
        return {"FINISHED"}


class ChooseMethod(_Chooses, Operator):
    bl_idname = "lightkiln.choose_method"
    offered = "methods"


class ChooseWriter(_Chooses, Operator):
    bl_idname = "lightkiln.choose_writer"
    offered, group = "writers", "text"


class ChooseShaper(_Chooses, Operator):
    bl_idname = "lightkiln.choose_shaper"
    offered, group = "shapers", "shape"


class RollSeed(Operator):
    bl_idname = "lightkiln.roll_seed"
    bl_label = "Another Seed"
    bl_description = "Set the seed to any other one"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    of: StringProperty(default="text", options={"HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        getattr(context.scene.lightkiln, self.of).seed = at_cursor.another_seed()
        return {"FINISHED"}


CLASSES = (ChooseMethod, ChooseWriter, ChooseShaper, RollSeed)
