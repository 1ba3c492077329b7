# SPDX-License-Identifier: GPL-3.0-or-later
"""Quads of a result, by Blender's own QuadriFlow. The result stays beside them.

Pressed in a window, it lets another Blender do the work and waits as a modal operator, so one can
go on; called by a script, it is done when it returns.
"""

from typing import ClassVar

import bpy
from bpy.props import IntProperty
from bpy.types import Context, Event, Mesh, Object, Operator

from .. import coloured_mesh, quadriflow, result_import
from .starting import Excused

FACES = 10_000
EVERY = 0.2
"""Seconds between two looks at the other Blender."""
FAILED = "QuadriFlow cannot remesh it: make it again with Fill Holes, then try once more."


class Quads(Excused, Operator):
    bl_idname = "lightkiln.quads"
    bl_label = "Quads"
    bl_description = (
        "Make a copy of the result of even quads, with colours of vertices, by Blender's "
        "QuadriFlow. It wants a mesh without defects, and takes some ten seconds in which you can "
        "go on; Esc stops it"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    faces: IntProperty(name="Faces", description="Quads, about", default=FACES, min=100)

    is_at_work: ClassVar[bool] = False

    @classmethod
    def obstacle(cls, context: Context) -> str:
        return "Quads are being made" if cls.is_at_work else result_import.unchosen(context)

    def invoke(self, context: Context, event: Event) -> set[str]:
        source = result_import.chosen(context)
        mesh = _copied(source.data)
        try:
            self._work = quadriflow.Elsewhere(mesh, self.faces)
        except OSError:
            return self.execute(context)
        finally:
            bpy.data.meshes.remove(mesh)
        self._source = source.name  # it may be gone by then
        Quads.is_at_work = True
        self._timer = context.window_manager.event_timer_add(EVERY, window=context.window)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set("Lightkiln makes quads; Esc stops it")
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type == "ESC":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "TIMER" or not self._work.is_over:
            return {"PASS_THROUGH"}
        if context.mode != "OBJECT":  # it waits until the person has left the edit mode
            return {"PASS_THROUGH"}
        mesh = self._work.take()
        self.cancel(context)
        return self._add(context, bpy.data.objects.get(self._source), mesh)

    def cancel(self, context: Context) -> None:
        """Also called when the file or the window is closed."""
        Quads.is_at_work = False
        self._work.close()
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)

    def execute(self, context: Context) -> set[str]:
        source = result_import.chosen(context)
        copy = _beside(source, _copied(source.data))
        result_import.select_only(context, copy)
        if quadriflow.remesh(copy, self.faces):
            copy.data.materials.append(coloured_mesh.material())
            return {"FINISHED"}
        bpy.data.meshes.remove(copy.data)  # takes the object with it
        result_import.select_only(context, source)
        self.report({"ERROR"}, FAILED)
        return {"CANCELLED"}

    def _add(self, context: Context, source: Object | None, mesh: Mesh | None) -> set[str]:
        if source is None or mesh is None:
            if mesh is not None:
                bpy.data.meshes.remove(mesh)
            self.report({"ERROR"}, "The result is gone." if source is None else FAILED)
            return {"CANCELLED"}
        mesh.materials.append(coloured_mesh.material())
        result_import.select_only(context, _beside(source, mesh))
        return {"FINISHED"}


def _copied(mesh: Mesh) -> Mesh:
    """Of the shape and the colours only."""
    copy = mesh.copy()
    while copy.uv_layers:  # quads would tear the charts
        copy.uv_layers.remove(copy.uv_layers[0])
    copy.materials.clear()
    return copy


def _beside(source: Object, mesh: Mesh) -> Object:
    """A copy of an object with another mesh."""
    copy = source.copy()
    copy.data = mesh
    copy.name = mesh.name = f"{source.name} Quads"
    for collection in source.users_collection:
        collection.objects.link(copy)
    return copy


CLASSES = (Quads,)
