# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender camera's lens, read and set. What Blender has no place for lies beside it.

Distortion and the shape of pixels are properties of the camera's data, which travel with the file
and can be seen and changed there. Conversions are done in `convert`.
"""

from __future__ import annotations

from bpy.types import Camera, Scene

from .convert import Lens

DISTORTION, PIXEL_ASPECT = "lightkiln_distortion", "lightkiln_pixel_aspect"


def lens_of(camera: Camera, scene: Scene) -> Lens:
    """A camera's lens; its pixels are as wide and high as the scene renders them, if not given."""
    rendered = scene.render.pixel_aspect_y / scene.render.pixel_aspect_x
    return Lens(
        lens=camera.lens,
        sensor_width=camera.sensor_width,
        sensor_height=camera.sensor_height,
        sensor_fit=camera.sensor_fit,
        shift_x=camera.shift_x,
        shift_y=camera.shift_y,
        pixel_aspect=float(camera.get(PIXEL_ASPECT, rendered)),
        distortion=tuple(float(value) for value in camera.get(DISTORTION, ())),
    )


def set_lens(camera: Camera, lens: Lens) -> None:
    """Make it a perspective camera with this lens."""
    camera.type = "PERSP"
    camera.sensor_fit = lens.sensor_fit
    camera.sensor_width, camera.sensor_height = lens.sensor_width, lens.sensor_height
    camera.lens = lens.lens
    camera.shift_x, camera.shift_y = lens.shift_x, lens.shift_y
    camera[PIXEL_ASPECT] = lens.pixel_aspect
    if any(lens.distortion):
        camera[DISTORTION] = list(lens.distortion)
