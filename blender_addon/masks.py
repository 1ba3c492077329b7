# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera's mask: an image, the object white, that lies over the photograph when one looks through
the camera, and that goes with it to the backend.

The camera's data remembers which of its background images is the mask. Without one, the alpha of
the photograph is its mask, if it has any.
"""

from __future__ import annotations

from pathlib import Path

import bpy
from bpy.types import Camera, Image

PROPERTY = "lightkiln_mask"
OPACITY = 0.4


def mask_of(camera: Camera) -> Image | None:
    """The mask, or None."""
    found = camera.get(PROPERTY)
    return found if isinstance(found, Image) else None


def photograph_of(camera: Camera) -> Image | None:
    """The first background image that is set and is not the mask."""
    mask = mask_of(camera)
    shown = (background.image for background in camera.background_images)
    return next((image for image in shown if image is not None and image != mask), None)


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


def remove(camera: Camera) -> None:
    """Take the mask away; its image stays in the file until nothing uses it."""
    mask = mask_of(camera)
    for background in reversed(camera.background_images):
        if mask is not None and background.image == mask:
            camera.background_images.remove(background)
    if PROPERTY in camera:
        del camera[PROPERTY]
