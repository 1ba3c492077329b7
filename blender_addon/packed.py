# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that live in the file itself, made of the bytes of a PNG or JPEG.

It must not know what they show.
"""

from __future__ import annotations

import bpy
from bpy.types import Image


def image(name: str, data: bytes, color_space: str = "sRGB") -> Image:
    """An image of a file's bytes: nothing is decoded until something draws it."""
    made = bpy.data.images.new(name, 1, 1)
    made.pack(data=data, data_len=len(data))
    made.source = "FILE"
    made.colorspace_settings.name = color_space
    return made
