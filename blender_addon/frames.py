# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures along a camera's animation: which are asked for, and where they are shown.

What is asked for is what a render of the animation would be: the scene's camera (or another one)
over the scene's frames, with its step, in the size of its render settings. What comes back lies
before the camera as its background image, an image sequence; the camera's data remembers which one,
so that it is not taken for the camera's photograph.
"""

from __future__ import annotations

from dataclasses import replace

import bpy
import numpy as np
from bpy.types import Camera, Context, Image, Object, Scene

from . import status
from .convert import camera_from_blender
from .found_frames import FoundFrames
from .lenses import lens_of
from .masks import FRAMES
from .shared import camera as shared_camera
from .shots import CameraPath


def are_offered(scene: Scene) -> bool:
    """True if the chosen method renders pictures."""
    info = status.current.methods.get(scene.lightkiln.method)
    return info is not None and info.renders_frames


def camera_of(scene: Scene) -> Object | None:
    """The camera that they are rendered from."""
    return scene.lightkiln.frames_camera or scene.camera


def problem(scene: Scene) -> str:
    """Why they cannot be asked for, in a sentence; empty if nothing hinders."""
    camera = camera_of(scene)
    if camera is None or not (are_offered(scene) and scene.lightkiln.render_frames):
        return ""
    if camera.name not in scene.objects:
        return f"The camera {camera.name} of the frames is not in this scene: choose another one."
    if camera.data.type != "PERSP":
        return (
            f"The camera {camera.name} is not a perspective camera: choose another one for the "
            "frames, or switch them off."
        )
    return ""


def numbers(scene: Scene) -> range:
    """The scene's frames, of which each gets a picture if the camera moves."""
    return range(scene.frame_start, scene.frame_end + 1, scene.frame_step)


def size(scene: Scene) -> tuple[int, int]:
    """Width and height in pixels."""
    render = scene.render
    share = render.resolution_percentage
    return render.resolution_x * share // 100, render.resolution_y * share // 100


def may_move(camera: Object) -> bool:
    """False if nothing can move the camera or its lens."""
    owners = (camera, camera.data)
    animated = any(owner.animation_data is not None for owner in owners)
    return animated or camera.parent is not None or len(camera.constraints) > 0


def path(context: Context) -> CameraPath | None:
    """The cameras that pictures are asked from; None: from none.

    A camera at rest gives one, if it was chosen: the scene's just stands there. While the backend's
    methods are not known, `client` finds out whether it is any use.
    """
    scene = context.scene
    info, camera = status.current.methods.get(scene.lightkiln.method), camera_of(scene)
    is_asked = scene.lightkiln.render_frames and (info is None or info.renders_frames)
    if not is_asked or camera is None or camera.data.type != "PERSP":
        return None
    cameras = _over_time(context, camera) if may_move(camera) else (_now(context, camera),)
    if all(_same(each, cameras[0]) for each in cameras):
        cameras = cameras[:1]
        if scene.lightkiln.frames_camera is None:
            return None
    return CameraPath(
        camera=camera.name, cameras=cameras, start=scene.frame_start, step=scene.frame_step
    )


def show(scene: Scene, found: FoundFrames, asked: CameraPath | None) -> Object | None:
    """Lay pictures before the camera that they are of; None: it is not there any more."""
    camera = scene.objects.get(asked.camera) if asked is not None else camera_of(scene)
    if camera is None or camera.type != "CAMERA":
        return None
    remove(camera.data)
    camera.data[FRAMES] = image = _image(found, f"{camera.name} Frames")
    background = camera.data.background_images.new()
    background.image = image
    background.alpha = 1.0
    background.display_depth = "FRONT"  # or the mesh would cover them
    background.frame_method = "FIT"
    user = background.image_user
    user.frame_start = scene.frame_start if asked is None else asked.start
    user.frame_duration = found.num * found.step
    user.frame_offset = 0
    user.use_auto_refresh = True
    camera.data.show_background_images = True
    return camera


def remove(camera: Camera) -> None:
    """Take earlier pictures away; their files stay."""
    shown = camera.get(FRAMES)
    for background in reversed(camera.background_images):
        if shown is not None and background.image == shown:
            camera.background_images.remove(background)
    if FRAMES in camera:
        del camera[FRAMES]


def _image(found: FoundFrames, name: str) -> Image:
    image = bpy.data.images.load(str(found.first), check_existing=True)
    image.name = name
    image.source = "SEQUENCE" if found.num > 1 else "FILE"
    if bpy.data.is_saved:
        image.filepath = bpy.path.relpath(str(found.first))
    return image


def _over_time(context: Context, camera: Object) -> tuple[shared_camera.Camera, ...]:
    scene = context.scene
    before = scene.frame_current, scene.frame_subframe
    try:
        cameras = []
        for number in numbers(scene):
            scene.frame_set(number)
            cameras.append(_now(context, camera))
    finally:
        scene.frame_set(before[0], subframe=before[1])
    return tuple(cameras)


def _now(context: Context, camera: Object) -> shared_camera.Camera:
    """As its animation, its constraints and its parents have it; a pinhole."""
    scene = context.scene
    there = camera.evaluated_get(context.evaluated_depsgraph_get())
    aspect = scene.render.pixel_aspect_y / scene.render.pixel_aspect_x
    lens = replace(lens_of(there.data, scene), distortion=(), pixel_aspect=aspect)
    return camera_from_blender(np.array(there.matrix_world, np.float64), lens, *size(scene))


def _same(one: shared_camera.Camera, other: shared_camera.Camera) -> bool:
    lenses = [(each.focal, each.principal_point) for each in (one, other)]
    return lenses[0] == lenses[1] and np.array_equal(one.world_from_camera, other.world_from_camera)
