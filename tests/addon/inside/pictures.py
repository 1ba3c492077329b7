# SPDX-License-Identifier: GPL-3.0-or-later
"""Small image files of each kind, written by hand: Blender's Python has no other writer."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path


def png(path: Path, width: int = 64, height: int = 48, grey: int = 128) -> Path:
    """A grey RGB picture."""
    rows = (b"\0" + bytes([grey, grey, grey]) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    data = b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)
    path.write_bytes(data)
    return path


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
