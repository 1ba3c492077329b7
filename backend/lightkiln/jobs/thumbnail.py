# SPDX-License-Identifier: GPL-3.0-or-later
"""The small picture by which a job is known in a list: its first photograph, then what it shows.

It must not know how a picture is rendered.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from PIL import Image

from . import atomic
from .artifacts import keep
from .folder import JobFolder
from .journal import Journal

THUMBNAIL = "thumbnail.png"
SIDE = 128
"""Pixels, at most."""


def keep_thumbnail(folder: JobFolder, journal: Journal, pixels: NDArray[Any]) -> None:
    """Keep a picture (H, W, 3 or 4) uint8 sRGB, made small, in the place of the one before."""
    small = Image.fromarray(pixels)
    small.thumbnail((SIDE, SIDE))
    path = folder.artifacts / THUMBNAIL
    with atomic.whole(path) as beside:
        small.save(beside, format="png")
    keep(path, journal)
