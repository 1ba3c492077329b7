# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's picture: what it shows just now if somebody looks, otherwise its thumbnail.

No image file is decoded here: a preview comes as raw pixels of the worker's own, and a thumbnail is
passed on as it lies there.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from lightkiln_shared.codec import from_json
from lightkiln_shared.errors import MalformedMessage
from lightkiln_shared.jobs import JobState
from lightkiln_shared.messages import PreviewImage
from PIL import Image

from lightkiln.jobs.folder import JobFolder
from lightkiln.jobs.thumbnail import THUMBNAIL

SIDE = 640
"""Pixels, at most."""


def version(folder: JobFolder, state: JobState) -> str:
    """Another one for each picture; empty: there is none."""
    for path in _paths(folder, state):
        try:
            return f"{path.stat().st_mtime_ns:x}"
        except OSError:
            continue
    return ""


def picture(folder: JobFolder, state: JobState) -> bytes | None:
    """The picture as a PNG."""
    for path in _paths(folder, state):
        try:
            found = path.read_bytes()
        except OSError:
            continue
        return found if path.name == THUMBNAIL else _drawn(found)
    return None


def _paths(folder: JobFolder, state: JobState) -> tuple[Path, ...]:
    thumbnail = folder.artifacts / THUMBNAIL
    return (folder.preview_image, thumbnail) if state.is_active else (thumbnail,)


def _drawn(preview: bytes) -> bytes | None:
    header, _, pixels = preview.partition(b"\n")
    try:
        message = from_json(PreviewImage, header)
        image = Image.frombytes("RGBA", (message.width, message.height), pixels)
    except (MalformedMessage, ValueError):  # somebody else has written into the folder
        return None
    image.thumbnail((SIDE, SIDE))
    made = BytesIO()
    image.save(made, format="png", compress_level=3)
    return made.getvalue()
