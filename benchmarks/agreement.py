# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether pictures can be of one thing, by their silhouettes alone.

    hull       the points that lie within all silhouettes (Laurentini 1994)
    agreement  IoU of the hull's own silhouettes with the pictures', mean over these

Pictures of one thing agree wholly, up to the lattice; where one shows what another denies, the hull
lacks it, and so do its silhouettes. It must not know priors.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Bool
from lightkiln_shared.camera import Camera, project
from numpy.typing import NDArray

SIDE = 112
"""Points of the lattice over the cube about the unit ball: closer together than pixels are."""


def agreement(silhouettes: Bool[NDArray[Any], "views h w"], cameras: Sequence[Camera]) -> float:
    """In [0, 1]."""
    axis = np.linspace(-1.0, 1.0, SIDE)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    last = np.array(silhouettes.shape[:0:-1]) - 1
    places = [np.clip(project(camera, x)[0], 0, last).astype(int) for camera in cameras]
    pairs = list(zip(silhouettes, places, strict=True))
    hull = np.logical_and.reduce([mask[place[:, 1], place[:, 0]] for mask, place in pairs])
    shares = []
    for mask, place in pairs:
        shown = np.zeros_like(mask)
        shown[place[hull, 1], place[hull, 0]] = True
        shares.append((shown & mask).sum() / max((shown | mask).sum(), 1))
    return float(np.mean(shares))
