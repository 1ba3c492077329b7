# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures along a camera's animation, for methods that learn how a scene looks."""

from __future__ import annotations

from bpy.types import Context, Panel, Scene

from .. import frames, properties
from .layout import Tab, split, wrapped


class FramesPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_frames"
    bl_parent_id = "LIGHTKILN_PT_method"
    bl_label = "Frames"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return frames.are_offered(context.scene)

    def draw_header(self, context: Context) -> None:
        self.layout.prop(properties.of(context), "render_frames", text="")

    def draw(self, context: Context) -> None:
        layout, scene = self.layout, context.scene
        split(layout)
        settings = properties.of(context)
        layout.active = settings.render_frames
        layout.prop(settings, "frames_camera")
        wrapped(layout, context, frames.problem(scene), icon="ERROR")
        wrapped(layout, context, _expected(scene), icon="INFO")


def _expected(scene: Scene) -> str:
    """What will come, in a sentence."""
    camera, is_chosen = frames.camera_of(scene), scene.lightkiln.frames_camera is not None
    if camera is None:
        return "The scene has no camera: choose one."
    size = " x ".join(map(str, frames.size(scene)))
    if frames.may_move(camera):
        return f"{len(frames.numbers(scene))} frames of {size} pixels, as {camera.name} moves."
    if is_chosen:
        return f"One picture of {size} pixels: {camera.name} does not move."
    return f"None: {camera.name} does not move. Animate it, or choose a camera for one picture."


CLASSES = (FramesPanel,)
