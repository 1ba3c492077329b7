# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs as one long list of pixels, each with its ray: what batches are drawn from.

Pixels of all views are mixed in every batch. Only those whose ray meets a stored brick are drawn:
the others see the background whatever the field is. It must not know how a field learns from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.camera import scaled
from numpy.typing import NDArray
from PIL import Image

from lightkiln.capture.inputs import LoadedView
from lightkiln.fields.band import Band
from lightkiln.ops.kernels.arrays import Rays
from lightkiln.ops.kernels.sample import touches
from lightkiln.ops.rays import pixel_centres, pixel_directions, world_from_pixel


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Photos:
    """Views, flat: pixel n belongs to the view v with starts[v] <= n < starts[v + 1]."""

    colors: NDArray[Any]
    """(pixels, 3) uint8, sRGB."""
    masks: NDArray[Any] | None
    """(pixels,) uint8, 255 on the object; None where any view has none."""
    starts: NDArray[Any]
    """(views + 1,) int64."""
    widths: NDArray[Any]
    """(views,) int64, pixels."""
    heights: NDArray[Any]
    """(views,) int64, pixels."""
    centres: NDArray[Any]
    """(views, 3) where the cameras stand, metres."""
    directions: NDArray[Any]
    """(views, 3, 3): R K^-1 of each view."""

    def views_of(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """The view of each pixel."""
        return np.asarray(np.searchsorted(self.starts, pixels, side="right") - 1)

    def places_of(self, pixels: NDArray[Any], views: NDArray[Any]) -> NDArray[Any]:
        """(u, v) of the pixels' centres in their views."""
        return pixel_centres(pixels - self.starts[views], self.widths[views])

    def relative_places_of(self, pixels: NDArray[Any], views: NDArray[Any]) -> NDArray[Any]:
        """The same in parts of the view's width and height: the same at every resolution."""
        sizes = np.stack([self.widths[views], self.heights[views]], axis=-1)
        return np.asarray(self.places_of(pixels, views) / sizes)


def shrunk(views: Sequence[LoadedView], shrink: float) -> Photos:
    """The views' photographs at `shrink` times their size, averaged over the pixels that merge."""
    sizes = [
        (max(1, round(view.camera.width * shrink)), max(1, round(view.camera.height * shrink)))
        for view in views
    ]
    cameras = [scaled(view.camera, *size) for view, size in zip(views, sizes, strict=True)]
    masks = [
        None if view.mask is None else np.rint(255.0 * view.mask).astype(np.uint8) for view in views
    ]
    counts = [width * height for width, height in sizes]
    known = [mask for mask in masks if mask is not None]
    return Photos(
        colors=np.concatenate(
            [
                _resized(view.image, size).reshape(-1, 3)
                for view, size in zip(views, sizes, strict=True)
            ]
        ),
        masks=np.concatenate(
            [_resized(mask, size).reshape(-1) for mask, size in zip(known, sizes, strict=True)]
        )
        if len(known) == len(views)
        else None,
        starts=np.concatenate([[0], np.cumsum(counts)]),
        widths=np.array([width for width, _ in sizes]),
        heights=np.array([height for _, height in sizes]),
        centres=np.stack([camera.centre for camera in cameras]),
        directions=np.stack([world_from_pixel(camera) for camera in cameras]),
    )


def rays_through(photos: Photos, band: Band, pixels: NDArray[Any], jitter: NDArray[Any]) -> Rays:
    """The pixels' rays in the band's lattice units."""
    views = photos.views_of(pixels)
    directions = pixel_directions(photos.directions[views], photos.places_of(pixels, views))
    origins = (photos.centres - band.origin) / band.voxel
    return Rays(
        origins[views].astype(np.float32), directions.astype(np.float32), jitter.astype(np.float32)
    )


def pixels_seeing(photos: Photos, band: Band) -> NDArray[Any]:
    """All pixels (n,) int64 whose rays meet a stored brick."""
    found = []
    for start, end in zip(photos.starts[:-1], photos.starts[1:], strict=True):
        pixels = np.arange(start, end)
        meets = np.empty(pixels.size, dtype=np.bool_)
        touches(band.table, rays_through(photos, band, pixels, np.zeros(pixels.size)), meets)
        found.append(pixels[meets])
    return np.concatenate(found)


def footprint(views: Sequence[LoadedView], point: NDArray[Any]) -> float:
    """How much of the world a pixel covers at `point` (3,), metres: the views' median."""
    return float(
        np.median(
            [np.linalg.norm(view.camera.centre - point) / view.camera.focal[0] for view in views]
        )
    )


def _resized(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    if image.shape[1::-1] == size:
        return image
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
