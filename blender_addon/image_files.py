# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds images and reads their sizes from their headers, because Blender brings no such reader.

It judges as the backend will (`lightkiln/capture/images.py`), so that bad files are named before a
byte is sent. Pixels are never decoded here. No bpy: this runs in the client's thread.
"""

from __future__ import annotations

import struct
from pathlib import Path

from .shared.errors import InvalidScene

EXTENSIONS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp")
MIN_SIDE = 16
MAX_SIDE = 16_384
MAX_PIXELS = 200_000_000

_JPEG_SIZES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}  # all frame headers: SOF0 ... SOF15
_JPEG_SCAN = 0xDA
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257


def find(folder: Path, stem: str) -> Path | None:
    """The image in `folder` whose name without extension is `stem`, or None."""
    for path in sorted(folder.iterdir()):
        names = (path.stem, path.name)
        if stem in names and path.suffix.lower() in EXTENSIONS and path.is_file():
            return path
    return None


def read_file(path: Path, name: str) -> bytes:
    """The whole file; raises `InvalidScene` if it is missing or cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise InvalidScene(
            f"The image {name} does not exist.",
            hint="Choose the camera's background image again, or deselect the camera.",
        ) from None
    except OSError as error:
        raise InvalidScene(
            f"The image {name} cannot be read: {error.strerror}.",
            hint="Check its permissions, or deselect the camera.",
        ) from None


def size_of(data: bytes, name: str) -> tuple[int, int]:
    """(width, height) in pixels of a whole file; raises `InvalidScene`, naming the image."""
    reader = next((read for start, read in _READERS.items() if data.startswith(start)), None)
    if reader is None:
        raise InvalidScene(
            f"The file {name} is not an image that can be read.",
            hint="Use PNG, JPEG, TIFF or WebP.",
        )
    try:
        width, height = reader(data)
    except (struct.error, ValueError, IndexError):
        raise InvalidScene(
            f"The image {name} is truncated or damaged.",
            hint="Copy or export it again, or deselect its camera.",
        ) from None
    _check_size(width, height, name)
    return width, height


def _check_size(width: int, height: int, name: str) -> None:
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise InvalidScene(
            f"The image {name} is too large ({width} x {height}).",
            hint=f"Use at most {MAX_PIXELS // 10**6} megapixels and {MAX_SIDE} pixels a side.",
        )
    if min(width, height) < MIN_SIDE:
        raise InvalidScene(
            f"The image {name} has only {width} x {height} pixels.",
            hint=f"Use images of at least {MIN_SIDE} x {MIN_SIDE}, or deselect its camera.",
        )


def _png(data: bytes) -> tuple[int, int]:
    if b"IEND" not in data[-1024:]:
        raise ValueError("no end")
    return struct.unpack_from(">II", data, 16)


def _jpeg(data: bytes) -> tuple[int, int]:
    at, size = 2, (0, 0)
    while True:
        marker, length = struct.unpack_from(">xBH", data, at)
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 5)
            size = (width, height)
        at += 2 + length
        if marker == _JPEG_SCAN:
            break
    if size == (0, 0) or data.find(b"\xff\xd9", at) < 0:  # cannot occur within a scan's data
        raise ValueError("no end")
    return size


def _webp(data: bytes) -> tuple[int, int]:
    (length,) = struct.unpack_from("<I", data, 4)
    if len(data) < length + 8 or data[8:12] != b"WEBP":
        raise ValueError("too short")
    kind = data[12:16]
    if kind == b"VP8X":
        w, h = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
        return w, h
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack_from("<HH", data, 26)
    return width & 0x3FFF, height & 0x3FFF


def _tiff(data: bytes) -> tuple[int, int]:
    order = "<" if data[:2] == b"II" else ">"
    (at,) = struct.unpack_from(order + "I", data, 4)
    (num_tags,) = struct.unpack_from(order + "H", data, at)
    tags = {}
    for index in range(num_tags):
        start = at + 2 + 12 * index
        tag, kind = struct.unpack_from(order + "HH", data, start)
        tags[tag] = struct.unpack_from(order + ("H" if kind == 3 else "I"), data, start + 8)[0]
    if _TIFF_WIDTH not in tags or _TIFF_HEIGHT not in tags:
        raise ValueError("no size")
    return tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT]


_READERS = {
    b"\x89PNG\r\n\x1a\n": _png,
    b"\xff\xd8\xff": _jpeg,
    b"RIFF": _webp,
    b"II*\0": _tiff,
    b"MM\0*": _tiff,
}
