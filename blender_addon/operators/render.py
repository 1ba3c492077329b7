# SPDX-License-Identifier: GPL-3.0-or-later
"""The button that renders the selected cameras; between two of them Blender breathes, Esc works."""

from typing import ClassVar

from bpy.types import Context, Event, Object, Operator

from .. import masks, properties, render_views, scene_export


class RenderViews(Operator):
    bl_idname = "lightkiln.render_views"
    bl_label = "Render Views"
    bl_description = (
        "Render each selected camera that has no background image into the image folder"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        if not _without_image(context):
            cls.poll_message_set("Select cameras that have no background image")
            return False
        return True

    def invoke(self, context: Context, event: Event) -> set[str]:
        manager = context.window_manager
        self._names = [camera.name for camera in _without_image(context)]
        self._total = len(self._names)
        self._timer = manager.event_timer_add(0.05, window=context.window)
        manager.progress_begin(0, self._total)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: Context, event: Event) -> set[str]:
        if event.type == "ESC":
            return self._end(context, "CANCELLED")
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        if not self._names:
            return self._end(context, "FINISHED")
        camera = context.scene.objects.get(self._names.pop(0))
        if camera is not None:
            _render(context, camera)
        context.window_manager.progress_update(self._total - len(self._names))
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        for camera in _without_image(context):
            _render(context, camera)
        _use_folder(context)
        return {"FINISHED"}

    def _end(self, context: Context, outcome: str) -> set[str]:
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        if outcome == "FINISHED":
            _use_folder(context)
        return {outcome}


def _without_image(context: Context) -> list[Object]:
    return [
        camera
        for camera in scene_export.cameras(context)
        if masks.photograph_of(camera.data) is None
    ]


def _render(context: Context, camera: Object) -> None:
    render_views.render(context.scene, camera, render_views.folder_for(context.scene))


def _use_folder(context: Context) -> None:
    properties.of(context).image_folder = str(render_views.folder_for(context.scene))


CLASSES = (RenderViews,)
