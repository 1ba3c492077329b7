# SPDX-License-Identifier: GPL-3.0-or-later
"""What two photographs have in common: SIFT features, matched both ways with Lowe's ratio.

Which views are compared follows from their cameras. It must not know points in space.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from lightkiln_shared.camera import Camera
from numpy.typing import NDArray

from .inputs import LoadedView

MAX_FEATURES = 3000
RATIO = 0.8
"""The best match must be so much nearer than the second."""
NEIGHBOURS = 8
"""Views that each view is matched with: more than points need, as cameras hold each other."""
NEAREST, FARTHEST = np.deg2rad(4.0), np.deg2rad(40.0)
"""Angles between the views' axes: features of others look too alike, or not alike at all."""
Features = tuple[NDArray[Any], NDArray[Any]]
"""Places (n, 2), pixels from the image's corner, and root-SIFT descriptors (n, 128)."""


def features(view: LoadedView, most: int) -> Features:
    """The clearest on the object, or of the whole photograph where there is no mask."""
    sift: Any = cv2.SIFT_create(  # type: ignore[attr-defined]
        nfeatures=most,
        enable_precise_upscale=True,  # otherwise every place is 0.25 pixels too far right and down
    )
    grey = cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY)
    mask = None if view.mask is None else (view.mask > 0.5).astype(np.uint8)
    found, descriptors = sift.detectAndCompute(grey, mask)
    if descriptors is None:
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    # OpenCV counts from pixels' centres, we from their corners.
    places = np.array([point.pt for point in found]) + 0.5
    total = descriptors.sum(axis=1, keepdims=True)
    return places, np.sqrt(descriptors / np.maximum(total, 1e-9))  # a blank patch has no gradient


def pairs(cameras: Sequence[Camera]) -> list[tuple[int, int]]:
    """Which views to match: for each the nearest that look from a little aside."""
    axes = np.stack([camera.world_from_camera[:3, 2] for camera in cameras])
    angles = np.arccos(np.clip(axes @ axes.T, -1.0, 1.0))
    angles[(angles < NEAREST) | (angles > FARTHEST)] = np.inf
    found = {
        (min(i, int(j)), max(i, int(j)))
        for i, row in enumerate(angles)
        for j in np.argsort(row)[:NEIGHBOURS]
        if np.isfinite(row[j])
    }
    return sorted(found)


def matches(ones: Features, others: Features, allowed: NDArray[Any] | None = None) -> NDArray[Any]:
    """(m, 2) numbers of features that are each other's best, of the pairs `allowed` (n, n') bool.

    Root-SIFT descriptors are unit vectors: of two with cosine c, |a - b|² = 2 - 2 c.
    """
    if min(len(ones[1]), len(others[1])) < 2:
        return np.zeros((0, 2), dtype=int)
    cosines = ones[1] @ others[1].T
    if allowed is not None:
        cosines[~allowed] = -1.0
    row, best, back = np.arange(len(cosines)), cosines.argmax(axis=1), cosines.argmax(axis=0)
    first = cosines[row, best].copy()
    cosines[row, best] = -1.0
    # |a - b| < RATIO |a - b'|, squared and halved
    clear = 1.0 - first < RATIO**2 * (1.0 - cosines.max(axis=1))
    kept = clear & (first > -1.0) & (back[best] == row)
    return np.stack([row[kept], best[kept]], axis=1)
