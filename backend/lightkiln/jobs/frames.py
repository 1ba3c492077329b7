# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures along the scene's path, as one artifact: `frames.zip`, of 0001.png, 0002.png, ...

They are sRGB with straight alpha. It must not know how a method renders.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from lightkiln_shared.camera import Camera
from PIL import Image

from . import atomic
from .run import JobRun

FRAMES = "frames.zip"
SHARE_OF_FRAMES = 0.2
"""Of the method's time, if the scene has a path."""
NO_PICTURES = "This method renders no pictures along a path: the job leaves its mesh alone."
NOT_AGAIN = "The pictures along the path are not rendered again: what was learned is not kept."


def render_frames(cameras: Sequence[Camera], path: Path, run: JobRun) -> None:
    """Write the archive if the method offers pictures; "finish now" leaves out those not begun."""
    if run.render_frame is None:
        run.warn(NO_PICTURES)
        return
    with (
        run.phase("frames", share=1.0),
        atomic.whole(path) as beside,
        zipfile.ZipFile(beside, "w", zipfile.ZIP_STORED) as archive,  # PNG is compressed already
    ):
        for index in run.steps(len(cameras)):
            picture, file = run.render_frame(cameras[index]), io.BytesIO()
            Image.fromarray(picture.pixels).save(file, "PNG")
            archive.writestr(f"{index + 1:04}.png", file.getvalue())
