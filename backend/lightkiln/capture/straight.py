# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of photographs without their lens's distortion: what Blender shows behind cameras.

    SHA256.jpg    of each photograph whose camera has distortion, named by the photograph

They are to be looked at; methods compute with the photographs themselves.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from lightkiln_shared.camera import scaled
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Scene, View
from PIL import Image

from . import lens
from .images import read_image

SIDE = 1600
"""Pixels of the longer side at most."""
QUALITY = 90


def write(scene: Scene, files: Mapping[str, Path], folder: Path) -> None:
    """Write those of all views into a folder; a photograph that cannot be read gets none."""
    bent = {view.image.sha256: view for view in scene.views if any(view.camera.distortion)}
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(
            threads.map(lambda view: _write(view, files[view.image.sha256], folder), bent.values())
        )


def _write(view: View, path: Path, folder: Path) -> None:
    try:
        image = read_image(path, view.name)
        camera = lens.fitted(view.camera, image.width, image.height, view.name)
    except InvalidScene:
        return
    shrink = min(1.0, SIDE / max(image.size))
    size = round(image.width * shrink), round(image.height * shrink)
    small = image.convert("RGB").resize(size, Image.Resampling.BOX)
    straight = lens.straightened(np.asarray(small), scaled(camera, *size))
    Image.fromarray(straight).save(folder / f"{view.image.sha256}.jpg", quality=QUALITY)
