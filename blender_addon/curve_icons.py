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


class _State:
    def __init__(self) -> None:
        self.icons: Any = None
        self.drawn_at: dict[str, tuple[float, float]] = {}
        """When each was drawn, and the second of the run that it reaches."""


_state = _State()


def register() -> None:
    _state.icons = bpy.utils.previews.new()


def unregister() -> None:
    global _state
    bpy.utils.previews.remove(_state.icons)
    _state = _State()


def icon_of(name: str, curve: Curve) -> int:
    """The icon that shows a curve; 0 where Blender has no icons, without a window."""
    picture = _state.icons.get(name) or _state.icons.new(name)
    now = time.monotonic()
    before, last = _state.drawn_at.get(name, (0.0, 0.0))
    newest = curve.seconds[-1] if curve.seconds else 0.0
    if last != newest and now - before >= EVERY:
        picture.image_size = (WIDTH, HEIGHT)
        picture.image_pixels_float.foreach_set(drawn(curve).reshape(-1))
        _state.drawn_at[name] = (now, newest)
    return int(picture.icon_id)
