# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's image over the viewport, from the person's own point of view.

The draw handler notes where each viewport looks from; `wanted` turns a view that moved into a
request, and a picture is drawn only where the view still is the one it was rendered for. Pixels are
in display space, so they pass Blender's colour management by. Nothing of the GPU is touched before
the first draw: in the background there is no GPU.
"""

from __future__ import annotations

import time
from typing import Any

import bpy
import numpy as np
from bpy.types import SpaceView3D

from . import preferences, properties, status
from .convert import camera_from_view
from .preview_texture import Upload
from .previews import Picture
from .shared.camera import Camera, scaled
from .shared.messages import LookFrom

INTERVAL = 0.1
"""Seconds between two requests while the view moves."""
POSE_TOLERANCE = 1e-5
LENS_TOLERANCE = 2e-3  # of the image's size: rounding to whole pixels moves the lens by less


class _State:
    """What the draw handler and the timer tell each other; no Blender data."""

    def __init__(self) -> None:
        self.views: dict[int, Camera] = {}
        self.camera: Camera | None = None
        self.sent: tuple[str, Camera | None] = ("", None)
        self.sent_at = 0.0
        self.upload = Upload()
        self.wants_redraw = False
        self.drawn: tuple[status.Job, Picture | None] | None = None


_state = _State()
_handle: Any = None


def register() -> None:
    global _handle
    _handle = SpaceView3D.draw_handler_add(_draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    global _handle, _state
    SpaceView3D.draw_handler_remove(_handle, "WINDOW")
    _handle, _state = None, _State()


def look_from(camera: Camera | None) -> None:
    """Choose the point of view; the viewport does this itself, scripts may do it too."""
    _state.camera = camera


def forget() -> None:
    """A new job starts: nothing was asked of it, nothing is shown of it."""
    _state.sent, _state.upload = ("", None), Upload()


def wants_redraw() -> bool:
    """True if the viewport has something to draw that it has not: another job, which it looks at
    from somewhere, another picture, or the rest of one. Asking takes it back."""
    job = status.current.job
    drawn = None if job is None or job.is_over else (job, job.picture)
    wants = _state.wants_redraw or not _are_same(_state.drawn, drawn)
    _state.wants_redraw, _state.drawn = False, drawn
    return wants


def _are_same(one: tuple[object, ...] | None, other: tuple[object, ...] | None) -> bool:
    """True if both hold the same things; comparing a picture's texels would take long."""
    if one is None or other is None:
        return one is other
    return all(a is b for a, b in zip(one, other, strict=True))


def wanted(job_id: str, is_shown: bool) -> LookFrom | None:
    """The request that is due, or None: the view moved, or previews were switched off."""
    camera = _state.camera if is_shown else None
    now = time.monotonic()
    if _state.sent == (job_id, camera) or now - _state.sent_at < INTERVAL:
        return None
    if camera is None and _state.sent[0] != job_id:
        return None  # nothing was asked of this job, so there is nothing to take back
    _state.sent, _state.sent_at = (job_id, camera), now
    return LookFrom(job_id=job_id, camera=camera)


def shows(picture: Picture, camera: Camera) -> bool:
    """True if the picture was rendered for this point of view, whatever its resolution."""
    size = np.array([picture.camera.width, picture.camera.height])
    here = scaled(camera, *size)
    poses = picture.camera.world_from_camera, here.world_from_camera
    lenses = [np.array([*c.focal, *c.principal_point]) for c in (picture.camera, here)]
    return bool(
        np.allclose(*poses, rtol=POSE_TOLERANCE, atol=POSE_TOLERANCE)
        and np.abs(lenses[0] - lenses[1]).max() < LENS_TOLERANCE * size.max()
    )


def _draw() -> None:
    job = status.current.job
    context = bpy.context
    view = context.region_data
    if job is None or job.is_over or view is None or not view.is_perspective:
        return
    settings = properties.of(context)
    if not settings.show_image:
        return
    camera = _noted(context.region, view)
    upload = _state.upload
    if job.picture is not None and shows(job.picture, camera):
        upload.go_on(job.picture)
        _state.wants_redraw = upload.is_unfinished
    if upload.shown is not None and shows(upload.shown.picture, camera):
        left = middle_of_frame(context) if settings.beside_photograph else 0.0
        upload.shown.draw(context.region, settings.image_opacity, left)


def middle_of_frame(context: bpy.types.Context) -> float:
    """Where the middle of the camera's frame is in the viewport, as a share of its width; 0 unless
    the viewport looks through a camera that shows a photograph."""
    view, camera = context.region_data, context.scene.camera
    if view.view_perspective != "CAMERA" or camera is None or camera.type != "CAMERA":
        return 0.0
    shown = any(picture.image is not None for picture in camera.data.background_images)
    if not (shown and camera.data.show_background_images):
        return 0.0
    corners = np.array([(*corner, 1.0) for corner in camera.data.view_frame(scene=context.scene)])
    clip = corners @ (np.array(view.perspective_matrix) @ np.array(camera.matrix_world)).T
    middle = float((clip[:, 0] / clip[:, 3]).mean())
    return min(max((middle + 1.0) / 2.0, 0.0), 1.0)


def _noted(region: bpy.types.Region, view: bpy.types.RegionView3D) -> Camera:
    """The view's camera; a view that moved becomes the point of view."""
    matrices = np.array(view.view_matrix), np.array(view.window_matrix)
    camera = camera_from_view(*matrices, region.width, region.height)
    key = region.as_pointer()
    before = _state.views.get(key)
    if before is None or not _is_same(before, camera):
        _state.views[key] = camera
        _state.camera = _at_most(camera, preferences.get().preview_size)
    return _state.views[key]


def _is_same(a: Camera, b: Camera) -> bool:
    return (
        (a.width, a.height) == (b.width, b.height)
        and np.array_equal(a.world_from_camera, b.world_from_camera)
        and (a.focal, a.principal_point) == (b.focal, b.principal_point)
    )


def _at_most(camera: Camera, side: int) -> Camera:
    share = min(1.0, side / max(camera.width, camera.height))
    return scaled(camera, max(1, round(camera.width * share)), max(1, round(camera.height * share)))
