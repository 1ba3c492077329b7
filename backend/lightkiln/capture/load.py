# SPDX-License-Identifier: GPL-3.0-or-later
"""From a scene and its files to what a method computes with; all checks of images happen here.

It must not know where a scene comes from or what is done with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, scaled
from lightkiln_shared.checks import Warn, check_region_is_seen, check_scene
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import FileRef, Scene, View
from numpy.typing import NDArray
from PIL import Image

from . import lens
from .images import read_image, read_mask
from .inputs import Inputs, LoadedView
from .region import fit_region

_log = logging.getLogger(__name__)

NUM_THREADS = 2  # decoding leaves the interpreter's lock; more threads only take memory

MEMORY = 2 * 1024**3
"""Bytes that the pixels of all views may take together."""
PIXEL_BYTES = 7
"""Three of colour and a float of the mask."""

Files = Path | Mapping[str, Path]
"""A folder in which each file lies under its SHA-256, or where each SHA-256 lies."""


def load_inputs(
    scene: Scene,
    files: Files,
    *,
    max_side: int | None = None,
    warn: Warn = _log.warning,
) -> Inputs:
    """Decode, shrink to at most `max_side` pixels, undistort; fit a region if the scene has none.

    What can be lived with goes to `warn`, one sentence each. Raises `InvalidScene`, naming the
    view, for everything else.
    """
    check_scene(scene)
    most = _fitting_side(scene)
    if most is not None and (max_side is None or most < max_side):
        warn(f"The photographs are shrunk to {most} pixels, so that they fit into memory.")
        max_side = most
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        views = tuple(pool.map(lambda view: load_view(view, files, max_side), scene.views))
    _check_masks(views, warn)
    region = scene.region or fit_region(views)
    check_region_is_seen([(view.name, view.camera) for view in views], region, warn)
    return Inputs(views=views, region=region)


def _fitting_side(scene: Scene) -> int | None:
    """The side to which views must be shrunk for `MEMORY`; None if they fit as they are."""
    pixels = sum(view.camera.width * view.camera.height for view in scene.views)
    shrink = (MEMORY / (PIXEL_BYTES * pixels)) ** 0.5
    if shrink >= 1.0:
        return None
    return int(shrink * max(max(view.camera.width, view.camera.height) for view in scene.views))


def load_view(view: View, files: Files, max_side: int | None = None) -> LoadedView:
    """Load one view; raises `InvalidScene`."""
    image = read_image(_locate(view.image, files), view.name)
    camera = lens.fitted(view.camera, *image.size, view.name)
    mask = _read_mask_file(view, camera, files)
    if max_side is not None and max(image.size) > max_side:
        size = _shrunk_size(image.size, max_side)
        camera, image = scaled(camera, *size), image.resize(size, Image.Resampling.BOX)
        mask = mask.resize(size, Image.Resampling.BOX) if mask else None
    if mask is None and image.mode == "RGBA" and image.getchannel("A").getextrema() != (255, 255):
        mask = image.getchannel("A")
    pixels = np.asarray(image.convert("RGB"))
    on_object = None if mask is None else np.asarray(mask, dtype=np.float32) / np.float32(255)
    return _as_pinhole(LoadedView(name=view.name, camera=camera, image=pixels, mask=on_object))


def _as_pinhole(view: LoadedView) -> LoadedView:
    pinhole = lens.undistorted(view.camera, view.name)
    if not any(view.camera.distortion):
        return replace(view, camera=pinhole)

    def moved(channel: NDArray[Any]) -> NDArray[Any]:
        return lens.resample(channel, view.camera, pinhole)

    image = np.stack([moved(view.image[..., i]) for i in range(3)], axis=-1)
    mask = None if view.mask is None else moved(view.mask)
    return LoadedView(name=view.name, camera=pinhole, image=image, mask=mask)


def _read_mask_file(view: View, camera: Camera, files: Files) -> Image.Image | None:
    if view.mask is None:
        return None
    mask = read_mask(_locate(view.mask, files), view.mask.name)
    lens.fitted(camera, *mask.size, view.mask.name)
    if mask.size == (camera.width, camera.height):
        return mask
    return mask.resize((camera.width, camera.height), Image.Resampling.BILINEAR)


def _locate(ref: FileRef, files: Files) -> Path:
    if isinstance(files, Path):
        return files / ref.sha256
    return files[ref.sha256]


def _shrunk_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    factor = max_side / max(size)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def _check_masks(views: tuple[LoadedView, ...], warn: Warn) -> None:
    for view in views:
        if view.mask is not None and not (view.mask > 0.5).any():
            raise InvalidScene(
                f"The mask of {view.name} is empty.",
                hint="Paint the object white in it, or leave its camera out.",
            )
    without = [view.name for view in views if view.mask is None]
    if 0 < len(without) < len(views):
        warn(
            f"{len(without)} of {len(views)} views have no mask (the first is {without[0]}), "
            "so the object is not cut out; give every view a mask, or none."
        )
