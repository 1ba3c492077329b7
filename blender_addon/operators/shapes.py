# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh by a method that has learned shapes."""

from __future__ import annotations

import random
from typing import ClassVar

from bpy.props import StringProperty
from bpy.types import Context, Operator

from .. import shape_order, status
from ..method_params import INT_MAX
from ..shots import Order
from .starting import StartsJob


class Shape(StartsJob, Operator):
    bl_idname = "lightkiln.shape"
    bl_label = "Make Shape"
    bl_description = "Have the backend make a mesh by what it has learned, at the 3D cursor"

    @classmethod
    def missing(cls, context: Context) -> str:
        return shape_order.problem(context)

    def order(self, context: Context) -> Order:
        return shape_order.order(context)


class RollShape(Operator):
    bl_idname = "lightkiln.roll_shape"
    bl_label = "Another Seed"
    bl_description = "Set the seed to any other one"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def execute(self, context: Context) -> set[str]:
        context.scene.lightkiln.shape.seed = random.randrange(INT_MAX)
        return {"FINISHED"}


class ChooseShaper(Operator):
    bl_idname = "lightkiln.choose_shaper"
    bl_label = "Choose Method"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Name")

    @classmethod
    def description(cls, context: Context, operator: Operator) -> str:
        info = status.current.shapers.get(operator.name)
        return info.summary.rstrip(".") if info else ""

    def execute(self, context: Context) -> set[str]:
        context.scene.lightkiln.shape.method = self.name
        return {"FINISHED"}


CLASSES = (Shape, RollShape, ChooseShaper)
