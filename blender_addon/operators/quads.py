# SPDX-License-Identifier: GPL-3.0-or-later
"""Quads of a result, by Blender's own QuadriFlow. The result stays beside them."""

from typing import ClassVar

import bpy
from bpy.props import IntProperty
from bpy.types import Context, Object, Operator

from .. import coloured_mesh, result_import
from .starting import Excused

FACES = 10_000


class Quads(Excused, Operator):
    bl_idname = "lightkiln.quads"
    bl_label = "Quads"
    bl_description = (
        "Make a copy of the result of even quads, with colours of vertices, "
        "by Blender's QuadriFlow. It takes a while, and wants a mesh without defects"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    faces: IntProperty(name="Faces", description="Quads, about", default=FACES, min=100)

    @classmethod
    def obstacle(cls, context: Context) -> str:
        return result_import.unchosen(context)

    def execute(self, context: Context) -> set[str]:
        source = result_import.chosen(context)
        copy = _copied(source)
        result_import.select_only(context, copy)
        wanting = {"mode": "FACES", "target_faces": self.faces, "use_preserve_boundary": True}
        done = bpy.ops.object.quadriflow_remesh(
            **wanting, preserve_attributes=True, smooth_normals=True
        )
        if done != {"FINISHED"} or not len(copy.data.polygons):
            bpy.data.meshes.remove(copy.data)  # takes the object with it
            result_import.select_only(context, source)
            self.report(
                {"ERROR"},
                "QuadriFlow cannot remesh it: make it again with Fill Holes, then try once more.",
            )
            return {"CANCELLED"}
        return {"FINISHED"}


def _copied(source: Object) -> Object:
    copy = source.copy()
    copy.data = source.data.copy()
    copy.name = copy.data.name = f"{source.name} Quads"
    while copy.data.uv_layers:  # quads would tear the charts
        copy.data.uv_layers.remove(copy.data.uv_layers[0])
    copy.data.materials.clear()
    copy.data.materials.append(coloured_mesh.material())
    for collection in source.users_collection:
        collection.objects.link(copy)
    return copy


CLASSES = (Quads,)
