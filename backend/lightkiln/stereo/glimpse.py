# SPDX-License-Identifier: GPL-3.0-or-later
"""A first picture, seconds after the start: the visual hull with photographs thrown onto it.

Each pixel's point on the hull takes its colour from the few photographs taken from nearest to the
asked direction. Whether something stands between is not looked into: from nearly the same
direction little can. It must not know depth maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.camera import Camera, project
from numpy.typing import NDArray

from lightkiln.capture.inputs import LoadedView
from lightkiln.ops.picture import RenderedImage, preview_camera
from lightkiln.ops.rays import pixel_centres, world_from_pixel
from lightkiln.ops.triangles import unit

from .depth_maps import Enclosure
from .trace import entry_depth

NUM_PHOTOGRAPHS = 3
STEEPNESS = 16
"""Power of the cosine between directions: the nearest photograph counts most."""
GREY = 128.0


def glimpse(enclosure: Enclosure, views: Sequence[LoadedView], camera: Camera) -> RenderedImage:
    """The enclosure as the camera sees it, in at most `PREVIEW_PIXELS`."""
    camera = preview_camera(camera)
    depth = entry_depth(enclosure.distance, enclosure.lattice, camera).reshape(-1)
    hit = np.flatnonzero(depth > 0.0)
    pixels = np.zeros((depth.size, 4), dtype=np.uint8)
    if hit.size:
        centres = pixel_centres(hit, camera.width)
        ends = np.concatenate([centres, np.ones((len(hit), 1))], axis=-1)
        points = camera.centre + depth[hit, None] * (ends @ world_from_pixel(camera).T)
        pixels[hit, :3] = np.rint(_painted(points, views, camera.centre))
        pixels[hit, 3] = 255
    return RenderedImage(pixels=pixels.reshape(camera.height, camera.width, 4), camera=camera)


def _painted(
    points: Float[NDArray[Any], "n 3"],
    views: Sequence[LoadedView],
    centre: Float[NDArray[Any], " 3"],
) -> Float[NDArray[Any], "n 3"]:
    """sRGB values in [0, 255]; grey where none of the photographs shows the point."""
    middle = points.mean(axis=0)
    towards = np.stack([unit(view.camera.centre - middle) for view in views])
    cosines = np.maximum(towards @ unit(centre - middle), 0.0)
    # A trace of grey: only what nothing else colours shows it.
    total, color = np.full((len(points), 1), 1e-6), np.full((len(points), 3), 1e-6 * GREY)
    for index in np.argsort(-cosines)[:NUM_PHOTOGRAPHS]:
        view = views[index]
        place, depth = project(view.camera, points)
        column, row = np.floor(place).astype(int).T
        height, width = view.image.shape[:2]
        inside = (depth > 0.0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        seen = view.image[np.where(inside, row, 0), np.where(inside, column, 0)]
        weight = cosines[index] ** STEEPNESS * inside[:, None]
        total, color = total + weight, color + weight * seen
    return np.asarray(color / total)
