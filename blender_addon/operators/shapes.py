# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh by a method that has learned shapes."""

from __future__ import annotations

from bpy.types import Context, Operator

from .. import shape_order
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


CLASSES = (Shape,)
