# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs side by side: what a view's patches are compared with, and which are drawn.

It must not know what is learned from the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from lightkiln_shared.camera import scaled
from numpy.typing import NDArray

from lightkiln.capture.inputs import LoadedView
from lightkiln.fields.band import Band, lattice_points
from lightkiln.ops.kernels.patch_pull import Patches
from lightkiln.ops.kernels.stereo_patch import Bundle
from lightkiln.stereo import sources
from lightkiln.stereo.views import LUMA, GreyView

from .photos import Photos, rays_through

SOURCES = 9
"""Views that a view is compared with (arXiv:2205.15848)."""
FEWEST = 2
"""With one source alone an occluder could not be told from the surface."""
VIEWS_A_STEP = 4


class Comparisons:
    """The views of a level."""

    def __init__(
        self,
        views: Sequence[LoadedView],
        photos: Photos,
        pixels: NDArray[Any],
        band: Band,
        seed: int,
    ) -> None:
        """`pixels` (n,) are those that see the band."""
        self._photos, self._band, self._seed = photos, band, seed
        grey = [_grey(view, photos, index) for index, view in enumerate(views)]
        self._turns = [view.camera.camera_from_world[:3, :3] for view in views]
        points = lattice_points(band.table)[np.abs(band.distance) < 1.0]
        centre = band.origin + band.voxel * points.mean(axis=0)
        chosen = sources.choose(grey, centre, SOURCES)
        self._among = [np.array(each, dtype=np.int64) for each in chosen]
        self._bundles = sources.bundles(grey, chosen, band.voxel)
        ends = np.searchsorted(pixels, photos.starts)
        self._pixels = [pixels[a:b] for a, b in pairwise(ends)]
        self._usable = [
            index
            for index, mine in enumerate(self._pixels)
            if len(mine) and len(self._among[index]) >= FEWEST
        ]

    def draw(self, step: int, num_patches: int) -> Iterator[tuple[Bundle, Patches]]:
        """Patches of `VIEWS_A_STEP` views for a step, about `num_patches` in all."""
        draw = np.random.default_rng((self._seed, step, 1))
        count = min(VIEWS_A_STEP, len(self._usable))
        for view in draw.choice(self._usable, count, replace=False):
            yield self._bundles[view], self._patches(view, num_patches // count, draw)

    def _patches(self, view: int, count: int, draw: np.random.Generator) -> Patches:
        mine = self._pixels[view]
        pixels = mine[draw.integers(len(mine), size=count)]
        rays = rays_through(self._photos, self._band, pixels, draw.random(count))
        places = np.divmod(pixels - self._photos.starts[view], self._photos.widths[view])
        return Patches(
            places=np.stack(places[::-1], axis=-1),
            among=self._among[view],
            directions=rays.directions,
            origin=rays.origins[0],
            turn=self._turns[view].astype(np.float32),
            jitter=rays.jitter,
        )


def _grey(view: LoadedView, photos: Photos, index: int) -> GreyView:
    mine = slice(photos.starts[index], photos.starts[index + 1])
    size = int(photos.widths[index]), int(photos.heights[index])
    grey = photos.colors[mine].astype(np.float32) @ (LUMA / np.float32(255.0))
    mask = None if photos.masks is None else photos.masks[mine].astype(np.float32) / 255.0
    return GreyView(
        camera=scaled(view.camera, *size),
        grey=grey.reshape(size[::-1]),
        mask=None if mask is None else mask.reshape(size[::-1]),
    )
