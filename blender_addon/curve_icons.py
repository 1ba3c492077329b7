# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of a run's curves as icons, for panels: drawn anew at most once a second.

It must not know what the figures mean.
"""

from __future__ import annotations

import time
from typing import Any

import bpy.utils.previews

from .curves import HEIGHT, WIDTH, Curve, drawn

EVERY = 1.0
"""Seconds between two pictures of a curve."""


class _Drawn:
    """The picture of one curve, and the one before it, which a panel may still show."""

    def __init__(self) -> None:
        self.collections: list[Any] = []
        self.at = 0.0
        self.reaches = 0.0
        """The second of the run."""


_drawn: dict[str, _Drawn] = {}


def unregister() -> None:
    for each in _drawn.values():
        for collection in each.collections:
            bpy.utils.previews.remove(collection)
    _drawn.clear()


def icon_of(name: str, curve: Curve) -> int:
    """The icon that shows a curve; 0 where Blender has no icons, without a window."""
    known = _drawn.setdefault(name, _Drawn())
    now, newest = time.monotonic(), curve.seconds[-1] if curve.seconds else 0.0
    if not known.collections or (known.reaches != newest and now - known.at >= EVERY):
        _draw(known, curve)
        known.at, known.reaches = now, newest
    return int(known.collections[-1]["curve"].icon_id)


def _draw(known: _Drawn, curve: Curve) -> None:
    """A new icon each time: Blender goes on showing the first pixels of an old one."""
    collection = bpy.utils.previews.new()
    picture = collection.new("curve")
    picture.image_size = (WIDTH, HEIGHT)
    picture.image_pixels_float.foreach_set(drawn(curve).reshape(-1))
    known.collections.append(collection)
    if len(known.collections) > 2:
        bpy.utils.previews.remove(known.collections.pop(0))
