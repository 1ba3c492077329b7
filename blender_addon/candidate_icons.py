# SPDX-License-Identifier: GPL-3.0-or-later
"""The candidates' pictures as icons, for panels. It must not know what they show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy.utils.previews

MAX_KEPT = 64
"""Pictures: a panel may still show some that others have taken the place of."""
_collections: list[Any] = []
_known: dict[Path, Any] = {}


def icon_of(path: Path) -> int:
    """The icon of a picture's file; 0 where Blender has no icons, without a window."""
    if path not in _known:
        collection = bpy.utils.previews.new()
        collection.load("picture", str(path), "IMAGE")
        _collections.append(collection)
        _known[path] = collection
        while len(_collections) > MAX_KEPT:
            _forget(_collections.pop(0))
    return int(_known[path]["picture"].icon_id)


def unregister() -> None:
    while _collections:
        _forget(_collections.pop())


def _forget(collection: Any) -> None:
    for path in [path for path, each in _known.items() if each is collection]:
        del _known[path]
    bpy.utils.previews.remove(collection)
