# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether four pictures can be of one thing, by their silhouettes alone.

    hull       the points that lie within all four silhouettes (Laurentini 1994)
    agreement  IoU of the hull's own silhouettes with the pictures', mean over the four

Pictures of one thing agree wholly, up to the lattice; where one shows what another denies, the hull
lacks it, and so do its silhouettes. It must not know priors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from lightkiln.priors.embedded.manifest import DISTANCE, FOV
from lightkiln.priors.embedded.renders import camera_axes
from numpy.typing import NDArray

SIDE = 112
"""Points of the lattice along a side: closer together than pixels are."""


def agreement(
    silhouettes: Bool[NDArray[Any], "views h h"], azimuths: tuple[float, ...], elevation: float
) -> float:
    """In [0, 1]; cameras as `priors.embedded.renders` has them."""
    axis = np.linspace(-1.0, 1.0, SIDE)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    size = silhouettes.shape[-1]
    places = [_pixels(x, camera_axes(azimuth, elevation), size) for azimuth in azimuths]
    inside = [mask[row, column] for mask, (row, column) in zip(silhouettes, places, strict=True)]
    hull = np.logical_and.reduce(inside)
    shares = []
    for mask, (row, column) in zip(silhouettes, places, strict=True):
        shown = np.zeros_like(mask)
        shown[row[hull], column[hull]] = True
        shares.append((shown & mask).sum() / max((shown | mask).sum(), 1))
    return float(np.mean(shares))


def _pixels(
    x: Float[NDArray[Any], "n 3"], axes: NDArray[Any], size: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Row and column in which each point is seen; points beyond the picture go to its edge."""
    local = x @ axes.T
    focal = 0.5 * size / np.tan(0.5 * FOV)
    scale = focal / (DISTANCE - local[:, 2])
    column, row = 0.5 * size + scale * local[:, 0], 0.5 * size - scale * local[:, 1]
    last = size - 1
    return np.clip(row, 0, last).astype(int), np.clip(column, 0, last).astype(int)
