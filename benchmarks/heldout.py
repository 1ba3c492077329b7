# SPDX-License-Identifier: GPL-3.0-or-later
"""PSNR at cameras that a method never saw: of its mesh, and of the field that it fitted.

Both pictures lie over white, and only the object's pixels count: a hole in ours is an error, the
empty part of the frame is no merit. It must not know how figures are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.transforms import read
from lightkiln.mesh.rasterize import shade
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.registry import load_entry, params_for, spec_named
from lightkiln.metrics.images import psnr
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image

SEED = 0
POSES = "transforms_heldout.json"
OPEN = "-open"
"""Scenes of this suffix have no masks; but for that they are the ones without it."""
NUM_TILES = 2
"""Along each axis: a method may draw a large picture with fewer pixels; tiles are small enough."""

Pixels = NDArray[Any]
Render = Callable[[Camera], Pixels]
"""A picture (H, W, 4) uint8, sRGB, straight alpha."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldScore:
    """Decibels, mean over the views that were held out."""

    scene: str
    method: str
    preset: str
    psnr: float


def mesh_psnr(mesh: TriangleMesh, folder: Path) -> float:
    """Of a mesh with its colours as they are; `folder` is the scene's."""
    scores, _ = _compare(lambda camera: shade(mesh, camera), folder)
    return scores


def field_psnr(folder: Path, method: str, preset: str, picture: Path) -> FieldScore:
    """Fit a scene in this process, so that the method's own renderer can be asked after its last
    step; ours and the truth are saved side by side."""
    spec, run = spec_named(method), DetachedRun(seed=SEED)
    load_entry(spec)(load_inputs(*open_scene(folder)), params_for(spec, preset, {}), run)
    score, pairs = _compare(lambda camera: _in_tiles(run, camera), folder)
    Image.fromarray(np.vstack(pairs)).save(picture)
    return FieldScore(scene=folder.name, method=method, preset=preset, psnr=round(score, 2))


def _compare(render: Render, folder: Path) -> tuple[float, list[Pixels]]:
    scores, pairs = [], []
    for camera, truth in _views(folder):
        ours, theirs = _over_white(render(camera)), _over_white(truth)
        scores.append(psnr(ours, theirs, truth[..., 3] > 127))
        pairs.append(np.hstack([ours, theirs]))
    return float(np.mean(scores)), pairs


def _views(folder: Path) -> Iterator[tuple[Camera, Pixels]]:
    """The cameras that were held out, and what they saw, with the object's mask."""
    masked = folder.with_name(folder.name.removesuffix(OPEN))
    for photo in read(masked / POSES).photos:
        yield photo.camera, np.asarray(Image.open(photo.image).convert("RGBA"))


def _in_tiles(run: DetachedRun, camera: Camera) -> Pixels:
    """A whole picture of crops: the same camera, its principal point moved."""
    height, width = camera.height // NUM_TILES, camera.width // NUM_TILES
    rows = [
        np.hstack([_tile(run, camera, x * width, y * height) for x in range(NUM_TILES)])
        for y in range(NUM_TILES)
    ]
    return np.vstack(rows)


def _tile(run: DetachedRun, camera: Camera, left: int, top: int) -> Pixels:
    cx, cy = camera.principal_point
    size = {"width": camera.width // NUM_TILES, "height": camera.height // NUM_TILES}
    asked = replace(camera, principal_point=(cx - left, cy - top), **size)
    rendered = run.render(asked)
    if rendered is None or rendered.pixels.shape[:2] != (asked.height, asked.width):
        raise RuntimeError("the method draws no picture of this size")
    return rendered.pixels


def _over_white(pixels: Pixels) -> Pixels:
    alpha = pixels[..., 3:].astype(np.float64) / 255.0
    return np.asarray(np.rint(pixels[..., :3] * alpha + 255.0 * (1.0 - alpha)), dtype=np.uint8)
