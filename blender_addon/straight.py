# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures without lens distortion for the cameras of a solve, so that they line up. No bpy.

Blender's cameras are pinholes, photographs are not. The backend's `lightkiln convert` makes small
straight pictures. They are handed on as bytes, to be packed into Blender's file: so no file of
theirs is left, and they go with the cameras that show them.
(Movie clips can undistort too. But loading one decodes it at once, some 80 ms of the main thread at
12 megapixels, and files that are numbered count as a film: the timeline would change photographs.)
It must not know Blender, nor how a solve was found.
"""

from __future__ import annotations

import logging
import tempfile
from dataclasses import replace
from pathlib import Path

from . import conversion
from .shared.codec import to_json
from .shared.errors import UserError
from .shared.scene import Scene
from .solved import Solved

KIND = "straight"
_log = logging.getLogger(__name__)


def add(command: str, found: Solved) -> Solved:
    """The solve with straight pictures; without them where they cannot be made."""
    views = tuple(replace(v, mask=None) for v in found.scene.views if v.image.sha256 in found.paths)
    if not any(any(view.camera.distortion) for view in views):
        return found
    paths = {view.image.sha256: found.paths[view.image.sha256] for view in views}
    try:
        return replace(found, straight=_made(command, Scene(views=views), paths))
    except (UserError, OSError) as error:
        _log.warning("photographs stay as their lenses bent them: %s", error)
        return found


def shortfall(found: Solved) -> str:
    """A sentence about photographs that are shown as their lens bent them; empty without any."""
    bent = [view.image.sha256 for view in found.scene.views if any(view.camera.distortion)]
    count = sum(sha256 in found.paths and sha256 not in found.straight for sha256 in bent)
    if not count:
        return ""
    return f"{count} photographs are shown as their lens bent them: points lie a little beside."


def _made(command: str, scene: Scene, paths: dict[str, Path]) -> dict[str, bytes]:
    """JPEG files by the SHA-256 of their photographs."""
    with tempfile.TemporaryDirectory(prefix="lightkiln-") as parent:
        bundle, out = Path(parent) / "scene", Path(parent) / KIND
        (bundle / conversion.FILES).mkdir(parents=True)
        (bundle / conversion.SCENE).write_bytes(to_json(scene))
        for sha256, path in paths.items():
            conversion.place(path, bundle / conversion.FILES / sha256)
        conversion.convert(command, bundle, out, KIND)
        return {path.stem: path.read_bytes() for path in out.glob("*.jpg")}
