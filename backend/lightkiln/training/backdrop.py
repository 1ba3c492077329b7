# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands behind the object in each view, where no masks tell: a small picture per view.

It is coarse on purpose: sharp enough for walls, tables and skies out of focus, too coarse to
explain the object's own texture, so that the surface has to. It must not know the field.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lightkiln.ops.kernels.arrays import Outcome, Targets

from .photos import Photos

CELLS = 24
"""Along the longer side of a view."""
RATE = 0.15
"""Part of the mean residual that a step corrects."""


class Backdrop:
    """One picture of CELLS x CELLS for each view, read bilinearly."""

    def __init__(self, pictures: NDArray[Any]) -> None:
        self.pictures = pictures
        """(views, CELLS, CELLS, 3) float32, sRGB values."""

    def look(self, views: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
        """Colours (n, 3) float32 behind the pixels at (u, v) in [0, 1]²."""
        flat = self.pictures.reshape(-1, 3)
        seen = np.zeros((len(views), 3), dtype=np.float32)
        for index, share in self._cells(views, places):
            seen += share[:, None] * flat[index]
        return seen

    def learn(
        self, views: NDArray[Any], places: NDArray[Any], out: Outcome, targets: Targets
    ) -> None:
        """Move the pictures towards what was seen where the field let light through."""
        light = out.transmittance[:, None]
        missing = targets.color - targets.gain * out.color - light * targets.background
        flat = self.pictures.reshape(-1, 3)
        size = len(flat)
        weight, change = np.zeros(size), np.zeros((size, 3))
        for index, share in self._cells(views, places):
            part = share * out.transmittance
            weight += np.bincount(index, weights=part * out.transmittance, minlength=size)
            for channel in range(3):
                change[:, channel] += np.bincount(
                    index, weights=part * missing[:, channel], minlength=size
                )
        flat += (RATE * change / (weight + 1.0)[:, None]).astype(np.float32)

    def _cells(
        self, views: NDArray[Any], places: NDArray[Any]
    ) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """The four cells about each place and their bilinear shares."""
        x = np.clip(places * CELLS - 0.5, 0.0, CELLS - 1.001)
        low = x.astype(np.int64)
        part = (x - low).astype(np.float32)
        first = (views * CELLS + low[:, 1]) * CELLS + low[:, 0]
        right, down = part[:, 0], part[:, 1]
        return [
            (first, (1 - right) * (1 - down)),
            (first + 1, right * (1 - down)),
            (first + CELLS, (1 - right) * down),
            (first + CELLS + 1, right * down),
        ]


def backdrop(photos: Photos, free: NDArray[Any]) -> Backdrop:
    """Start from the mean of each cell's `free` (pixels,) bool pixels, filled in from around."""
    pictures = np.zeros((len(photos.widths), CELLS, CELLS, 3), dtype=np.float32)
    for view, (start, end) in enumerate(zip(photos.starts[:-1], photos.starts[1:], strict=True)):
        pixels = np.arange(start, end)[free[start:end]]
        place = photos.relative_places_of(pixels, np.full(pixels.size, view))
        column, row = (place * CELLS).astype(int).T
        cell = row * CELLS + column
        count = np.bincount(cell, minlength=CELLS * CELLS)
        for channel in range(3):
            values = photos.colors[pixels, channel] / 255.0
            total = np.bincount(cell, weights=values, minlength=CELLS * CELLS)
            pictures[view, ..., channel] = _filled(total, count)
    return Backdrop(pictures)


def _filled(total: NDArray[Any], count: NDArray[Any]) -> NDArray[Any]:
    """Means (CELLS, CELLS); an empty cell takes them from ever wider surroundings."""
    total, count = (
        total.reshape(CELLS, CELLS).astype(float),
        count.reshape(CELLS, CELLS).astype(float),
    )
    mean, known = np.full((CELLS, CELLS), 0.5), np.zeros((CELLS, CELLS), dtype=bool)
    for sigma in (0.3, 1.0, 2.0, 4.0, 8.0, 16.0):
        weight = ndimage.gaussian_filter(count, sigma)
        fresh = ~known & (weight > 1e-3)  # less than a thousandth of a pixel says nothing
        mean[fresh] = (ndimage.gaussian_filter(total, sigma) / np.maximum(weight, 1e-9))[fresh]
        known |= fresh
    return mean
