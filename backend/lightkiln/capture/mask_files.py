# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a mask that belongs to an undistorted view back onto the photograph as it was taken.

For each pixel of the photograph, OpenCV finds the direction that the lens put there, by iteration,
and so where the pinhole has it. What the pinhole does not show is background.
It must not know jobs.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from lightkiln_shared.camera import Camera
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates


def on_photograph(
    mask: Bool[NDArray[Any], "h w"], pinhole: Camera, taken: Camera
) -> UInt8[NDArray[Any], "h w"]:
    """The mask in the image of `taken`, 255 on the object; both images have the same size."""
    if not any(taken.distortion):
        return np.where(mask, 255, 0).astype(np.uint8)
    lens = np.zeros(5)
    lens[: len(taken.distortion)] = taken.distortion
    size = (taken.width, taken.height)
    # OpenCV counts from pixels' centres, we from their corners
    half = np.array([[0.0, 0.0, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
    across, down = cv2.initInverseRectificationMap(
        taken.intrinsics - half, lens, np.eye(3), pinhole.intrinsics - half, size, cv2.CV_32FC1
    )
    shown = map_coordinates(mask.astype(np.float32), [down, across], order=1, mode="constant")
    return np.where(shown > 0.5, 255, 0).astype(np.uint8)
