# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs with what is learned beside the field: exposures and, without masks, backdrops.

With masks the background is replaced by a random colour in both the picture and the rendering, so
that no colour of the field can stand for emptiness. It must not know the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.kernels.arrays import Outcome, Targets

from .backdrop import Backdrop
from .exposure import Exposure
from .photos import Photos


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Pixels drawn for a step."""

    pixels: NDArray[Any]
    """(rays,)"""
    views: NDArray[Any]
    """(rays,) the view of each."""
    color: NDArray[Any]
    """(rays, 3) float32, sRGB values, over the background where there is a mask."""
    background: NDArray[Any]
    """(rays, 3) float32."""
    mask: NDArray[Any] | None
    """(rays,) float32 in [0, 1]."""
    gain: NDArray[Any]
    """(rays, 3) float32."""

    def targets(self, opacity_weight: float) -> Targets:
        """What the kernel compares with."""
        if self.mask is None:
            nothing = np.zeros(len(self.pixels), dtype=np.float32)
            return Targets(self.color, self.background, nothing, self.gain, 0.0)
        return Targets(self.color, self.background, self.mask, self.gain, opacity_weight)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scenery:
    """What a field is compared with."""

    photos: Photos
    exposure: Exposure
    backdrop: Backdrop | None
    """None if the photographs have masks."""

    def batch(self, pixels: NDArray[Any], draw: np.random.Generator) -> Batch:
        """Look the pixels (rays,) up; the random backgrounds come from `draw`."""
        views = self.photos.views_of(pixels)
        seen = self.photos.colors[pixels].astype(np.float32) / np.float32(255.0)
        mask: NDArray[Any] | None = None
        if self.backdrop is not None:
            behind = self.backdrop.look(views, self.photos.relative_places_of(pixels, views))
        else:
            assert self.photos.masks is not None
            mask = self.photos.masks[pixels].astype(np.float32) / np.float32(255.0)
            behind = draw.random((len(pixels), 3), dtype=np.float32)
            seen = mask[:, None] * seen + (1.0 - mask[:, None]) * behind
        return Batch(
            pixels=pixels,
            views=views,
            color=seen,
            background=behind,
            mask=mask,
            gain=self.exposure.gains[views],
        )

    def learn(self, batch: Batch, out: Outcome, targets: Targets) -> None:
        """Take what a step has seen into account."""
        self.exposure.observe(batch.views, out, targets)
        if self.backdrop is not None:
            places = self.photos.relative_places_of(batch.pixels, batch.views)
            self.backdrop.learn(batch.views, places, out, targets)
