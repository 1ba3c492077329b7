# SPDX-License-Identifier: GPL-3.0-or-later
"""Which vertices the silhouettes allow, as surfaces are cut before DTU's figures are taken.

The rule of NeuS (Wang et al. 2021) and of those who compare with it: a vertex stays only if in
every view it falls onto the mask dilated by a disc of 24 pixels, or outside the image. The disc
leaves the object's rim to be judged; what no mask knows, such as the table, is not judged.
It must not know files or scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.camera import Camera, project
from numpy.typing import NDArray

RADIUS = 24
"""Of the disc, pixels; DTU's images have 1600 x 1200."""


def dilated(mask: Bool[NDArray[Any], "H W"], radius: int = RADIUS) -> Bool[NDArray[Any], "H W"]:
    """Pixels whose centre lies at most `radius` from the centre of one of the mask's."""
    if not mask.any():  # the distance to nothing is not defined
        return mask
    away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    # Squares of distances between pixels are whole: half of one takes up all rounding.
    return np.asarray(away**2 < radius**2 + 0.5)


def allowed(
    points: Float[NDArray[Any], "N 3"], camera: Camera, mask: Bool[NDArray[Any], "H W"]
) -> Bool[NDArray[Any], " N"]:
    """Points on the mask or outside its image; those behind the camera are outside."""
    pixels, depth = project(camera, points.astype(np.float64))
    height, width = mask.shape
    is_shown = (
        (depth > 0.0) & (pixels >= 0.0).all(axis=-1) & (pixels < (width, height)).all(axis=-1)
    )
    column, row = np.floor(pixels[is_shown]).astype(np.int64).T
    is_allowed = ~is_shown
    is_allowed[is_shown] = mask[row, column]
    return is_allowed


def stays(
    positions: Float[NDArray[Any], "V 3"],
    silhouettes: Iterable[tuple[Camera, Bool[NDArray[Any], "_ _"]]],
) -> Bool[NDArray[Any], " V"]:
    """Vertices that every view allows; `silhouettes` are taken one at a time, each dilated here."""
    keep = np.ones(len(positions), dtype=bool)
    for camera, mask in silhouettes:
        keep[keep] = allowed(positions[keep], camera, dilated(mask))
    return keep
