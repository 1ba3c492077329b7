# SPDX-License-Identifier: GPL-3.0-or-later
"""Small image files of each kind, written by hand: Blender's Python has no other writer."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numpy as np


def png(path: Path, width: int = 64, height: int = 48, grey: int = 128) -> Path:
    """A grey RGB picture."""
    return _write(path, np.full((height, width, 3), grey, dtype=np.uint8))


def cutout(path: Path, mask: np.ndarray) -> Path:
    """A grey picture whose alpha is a mask (H, W) of truth values, top row first."""
    pixels = np.full((*mask.shape, 4), 128, dtype=np.uint8)
    pixels[..., 3] = np.where(mask, 255, 0)
    return _write(path, pixels)


def colored(path: Path, pixels: np.ndarray) -> Path:
    """A picture of RGB pixels (H, W, 3) uint8, top row first."""
    return _write(path, pixels)


def _write(path: Path, pixels: np.ndarray) -> Path:
    path.write_bytes(png_bytes(pixels))
    return path


def png_bytes(pixels: np.ndarray) -> bytes:
    """A picture's file, of (H, W, 3 or 4) bytes."""
    height, width, channels = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", width, height, 8, {3: 2, 4: 6}[channels], 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
