# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures without lens distortion for the cameras of a solve, so that they line up. No bpy.

Blender's cameras are pinholes, photographs are not. The backend's `lightkiln convert` makes small
straight pictures; they stay in a folder of the extension's, since files of Blender show them.
(Movie clips can undistort too. But loading one decodes it at once, some 80 ms of the main thread at
12 megapixels, and files that are numbered count as a film: the timeline would change photographs.)
It must not know Blender, nor how a solve was found.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
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


def add(command: str, found: Solved, folder: Path) -> Solved:
    """The solve with straight pictures in `folder`; without them where they cannot be made."""
    views = tuple(replace(v, mask=None) for v in found.scene.views if v.image.sha256 in found.paths)
    if not any(any(view.camera.distortion) for view in views):
        return found
    document = to_json(Scene(views=views))
    target = folder / hashlib.sha256(document).hexdigest()[:16]
    try:
        if not target.exists():
            _make(
                command,
                document,
                {v.image.sha256: found.paths[v.image.sha256] for v in views},
                target,
            )
    except (UserError, OSError) as error:
        _log.warning("photographs stay as their lenses bent them: %s", error)
        return found
    return replace(found, straight={path.stem: path for path in target.glob("*.jpg")})


def shortfall(found: Solved) -> str:
    """A sentence about photographs that are shown as their lens bent them; empty without any."""
    bent = [view.image.sha256 for view in found.scene.views if any(view.camera.distortion)]
    count = sum(sha256 in found.paths and sha256 not in found.straight for sha256 in bent)
    if not count:
        return ""
    return f"{count} photographs are shown as their lens bent them: points lie a little beside."


def _make(command: str, document: bytes, paths: dict[str, Path], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lightkiln-", dir=target.parent) as parent:
        bundle = Path(parent) / "scene"
        (bundle / conversion.FILES).mkdir(parents=True)
        (bundle / conversion.SCENE).write_bytes(document)
        for sha256, path in paths.items():
            conversion.place(path, bundle / conversion.FILES / sha256)
        conversion.convert(command, bundle, Path(parent) / KIND, KIND)
        shutil.move(Path(parent) / KIND, target)
