# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera's mask: an image, the object white, that lies over the photograph when one looks through
the camera, and that goes with it to the backend.

The camera's data remembers which of its background images is the mask, and which one the picture
without lens distortion that is shown in the photograph's place. Without a mask, the alpha of the
photograph is its mask, if it has any.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.types import Camera, Image

PROPERTY = "lightkiln_mask"
STRAIGHT = "lightkiln_straight"
FRAMES = "lightkiln_frames"
"""Pictures that were rendered from the camera: see `frames`."""
OPACITY = 0.4


def mask_of(camera: Camera) -> Image | None:
    """The mask, or None."""
    found = camera.get(PROPERTY)
    return found if isinstance(found, Image) else None


def photograph_of(camera: Camera) -> Image | None:
    """The first background image that is set and is neither the mask nor shown in its place, nor
    rendered."""
    others = (None, mask_of(camera), camera.get(STRAIGHT), camera.get(FRAMES))
    shown = (background.image for background in camera.background_images)
    return next((image for image in shown if image not in others), None)


def put(camera: Camera, path: Path) -> None:
    """Give a camera a mask; it takes the place of the one before. Raises `RuntimeError`."""
    image = bpy.data.images.load(str(path), check_existing=True)
    remove(camera)
    camera[PROPERTY] = image
    background = camera.background_images.new()
    background.image = image
    background.alpha = OPACITY
    background.display_depth = "FRONT"
    background.frame_method = "FIT"
    camera.show_background_images = True
    _choose_picture(camera)


def remove(camera: Camera) -> None:
    """Take the mask away; its image stays in the file until nothing uses it."""
    mask = mask_of(camera)
    for background in reversed(camera.background_images):
        if mask is not None and background.image == mask:
            camera.background_images.remove(background)
    if PROPERTY in camera:
        del camera[PROPERTY]
    _choose_picture(camera)


def _choose_picture(camera: Camera) -> None:
    """Masks are bent like their photographs, so with one the photograph itself is shown."""
    straight, photograph = camera.get(STRAIGHT), photograph_of(camera)
    if straight is None:
        return
    has_mask = mask_of(camera) is not None
    for background in camera.background_images:
        if background.image == straight:
            background.show_background_image = not has_mask
        elif background.image == photograph:
            background.show_background_image = has_mask
