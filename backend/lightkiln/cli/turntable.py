# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as it turns once, as a film: MPEG-4 in an .mp4, which needs nothing that is not there.

It must not know how the mesh was made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import NothingReconstructed, UserError
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.jobs import atomic
from lightkiln.jobs.finishing import RESULT_GLB
from lightkiln.jobs.folder import JobFolder
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.export_textured import BASE_COLOR, load_textured
from lightkiln.mesh.rasterize import shade, shade_textured
from lightkiln.mesh.turntable import ABOVE, ball_around, camera_around

SIDE, SECONDS, RATE = 480, 5.0, 24.0
"""Pixels of a side, seconds of a turn, pictures a second."""
CODEC = "mp4v"
"""OpenCV's own wheels hold no free encoder of H.264; every player knows this one."""
BACKGROUND = 0.93
"""sRGB value, of 1, of what is behind the mesh."""


def check_film(path: Path | None) -> None:
    """Raise `UserError` unless a film can be written there."""
    if path is None:
        return
    if path.suffix.lower() != ".mp4":
        raise UserError(f"{path.name} is no film that can be written.", hint="Use .mp4.")
    if not path.absolute().parent.is_dir():
        raise UserError(f"There is no folder {path.parent}.", hint="Make it first.")


def write_film(folder: JobFolder, path: Path) -> Path:
    """Film the mesh that a job has left."""
    made = folder.artifacts / RESULT_GLB
    if not made.exists():
        raise NothingReconstructed("The job has left no mesh.", hint="Look at its warnings.")
    mesh = cast("TriangleMesh", load_mesh(made))
    look = partial(shade, mesh, lit=True)
    if (folder.artifacts / BASE_COLOR).exists():
        look = partial(shade_textured, load_textured(made), lit=True)
    with atomic.whole(path) as beside:
        film(look, ball_around(mesh), beside)
    return path


def film(look: Callable[[Camera], NDArray[Any]], ball: tuple[Any, float], path: Path) -> None:
    """Write what `look` shows, (H, W, 4) uint8 sRGB, from all around a ball."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*CODEC), RATE, (SIDE, SIDE))
    if not writer.isOpened():
        raise UserError(f"The film {path} cannot be written.", hint="Look at its folder's rights.")
    count = round(SECONDS * RATE)
    for index in range(count):
        camera = camera_around(*ball, 2.0 * math.pi * index / count, ABOVE, SIDE)
        writer.write(cv2.cvtColor(_opaque(look(camera)), cv2.COLOR_RGB2BGR))
    writer.release()


def _opaque(picture: NDArray[Any]) -> NDArray[np.uint8]:
    alpha = picture[..., 3:] / 255.0
    shown = picture[..., :3] * alpha + 255.0 * BACKGROUND * (1.0 - alpha)
    return np.asarray(np.rint(shown), dtype=np.uint8)
