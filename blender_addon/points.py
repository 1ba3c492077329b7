# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the sparse point cloud that an alignment leaves, and believes none of it. No bpy.

It must not know files or the wire.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .ply import linear_from_srgb
from .shared.errors import MalformedMessage

MAX_POINTS = 20_000_000
MAX_DISTANCE = 1e9
"""Metres; farther points are no points, and Blender's numbers are of single precision."""

_COLUMNS = (
    ("x", "float", "<f4"), ("y", "float", "<f4"), ("z", "float", "<f4"),
    ("red", "uchar", "u1"), ("green", "uchar", "u1"), ("blue", "uchar", "u1"),
    ("error", "float", "<f4"), ("track_length", "int", "<i4"),
)  # fmt: skip
_HEADER = re.compile(
    r"ply\nformat binary_little_endian 1\.0\nelement vertex (\d{1,10})\n"
    + "".join(f"property {kind} {name}\n" for name, kind, _ in _COLUMNS)
    + "end_header\n"
)
_POINT = np.dtype([(name, kind) for name, _, kind in _COLUMNS])

_HEAD = (
    "ply\nformat binary_little_endian 1.0\nelement vertex {}\n"
    + "".join(f"property {kind} {name}\n" for name, kind, _ in _COLUMNS)
    + "end_header\n"
)
NONE = _HEAD.format(0).encode()
"""A cloud without points."""


def written(positions: NDArray[Any], colors: NDArray[Any]) -> bytes:
    """Points (N, 3) and linear colours (N, 3) in the form that `read` takes."""
    rows = np.zeros(len(positions), dtype=_POINT)
    for axis, name in enumerate("xyz"):
        rows[name] = positions[:, axis]
    bytes_of = linear_from_srgb(np.arange(256))
    for channel, name in enumerate(("red", "green", "blue")):
        rows[name] = np.searchsorted(bytes_of[1:], colors[:, channel] - 1e-6)  # of 24 bits
    return _HEAD.format(len(rows)).encode() + rows.tobytes()


def read(data: bytes) -> tuple[NDArray[Any], NDArray[Any]]:
    """Positions (N, 3) float32 and linear colours (N, 3) float32; raises `MalformedMessage`."""
    header = _HEADER.match(data[:1024].decode("latin-1"))
    if header is None:
        raise _wrong("an unknown header")
    count = int(header[1])
    if count > MAX_POINTS or len(data) != header.end() + count * _POINT.itemsize:
        raise _wrong(f"{len(data)} bytes for {count} points")
    points = np.frombuffer(data, _POINT, count, header.end())
    positions = np.stack([points[name] for name in "xyz"], axis=-1)
    if not (np.abs(positions) < MAX_DISTANCE).all():  # false for what is no number
        raise _wrong("positions that are no numbers")
    colors = np.stack([points[name] for name in ("red", "green", "blue")], axis=-1)
    return positions, linear_from_srgb(colors)


def _wrong(what: str) -> MalformedMessage:
    return MalformedMessage(
        f"The backend's points cannot be used: {what}.", hint="Retry the job, or update both."
    )
