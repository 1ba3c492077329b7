# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes any scene folder that the backend reads ready for Blender: cut out, without distortion.

Blender's cameras are pinholes and an object's mask is its image's alpha, so the photographs are
written anew as PNG with the masks in them, beside a `transforms.json` and its region.
It must not know Blender.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.capture.inputs import LoadedView
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.write_scene import frame
from PIL import Image

MAX_SIDE = 1600
FAST = 1
"""The PNG compression level: the files live as long as the demo."""


def prepare(source: Path, folder: Path) -> None:
    """Read the scene in `source`, write it into `folder`; raises `InvalidScene`."""
    inputs = load_inputs(*open_scene(source), max_side=MAX_SIDE)
    (folder / "images").mkdir(parents=True)
    with ThreadPoolExecutor() as pool:
        frames = list(pool.map(lambda view: _write(view, folder), inputs.views))
    region = {
        "shape": inputs.region.shape.value,
        "world_from_region": inputs.region.world_from_region.tolist(),
    }
    document = {"camera_model": "PINHOLE", "region": region, "frames": frames}
    (folder / "transforms.json").write_text(json.dumps(document, indent=1) + "\n")


def _write(view: LoadedView, folder: Path) -> dict[str, Any]:
    camera, pixels = view.camera, view.image
    if view.mask is not None:
        alpha = np.rint(255.0 * view.mask).astype(np.uint8)
        pixels = np.dstack([pixels, alpha])
    name = f"images/{Path(view.name).stem}.png"
    Image.fromarray(pixels).save(folder / name, compress_level=FAST)
    return frame(camera, name)
