# SPDX-License-Identifier: GPL-3.0-or-later
"""Views made ready for stereo: grey, no larger than needed, with matrices for array indices.

Array indices (column, row) are integers at pixel centres: index = pixel - 0.5. Grey is sRGB luma in
[0, 1]: about even in noise and in what the eye calls contrast. It must not know other views.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, scaled
from numpy.typing import NDArray
from PIL import Image

from lightkiln.capture.inputs import LoadedView

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of ITU-R BT.601."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class GreyView:
    """One view at the resolution that stereo works at."""

    camera: Camera
    grey: NDArray[Any]
    """(H, W) float32 in [0, 1], sRGB luma."""
    mask: NDArray[Any] | None
    """(H, W) float32 in [0, 1], 1 on the object."""


def prepare(view: LoadedView, max_side: int) -> GreyView:
    """Shrink a view until its longer side is at most `max_side` pixels, and take its luma."""
    width, height = view.camera.width, view.camera.height
    shrink = min(1.0, max_side / max(width, height))
    width, height = round(width * shrink), round(height * shrink)
    grey = np.asarray(view.image, dtype=np.float32) @ (LUMA / 255.0)
    return GreyView(
        camera=scaled(view.camera, width, height),
        grey=resized(grey, width, height),
        mask=None if view.mask is None else resized(view.mask, width, height),
    )


def halved(view: GreyView) -> GreyView:
    """The view at half its resolution."""
    height, width = (max(side // 2, 1) for side in view.grey.shape)
    return GreyView(
        camera=scaled(view.camera, width, height),
        grey=resized(view.grey, width, height),
        mask=None if view.mask is None else resized(view.mask, width, height),
    )


def resized(image: NDArray[Any], width: int, height: int) -> NDArray[Any]:
    """Resample (H, W) float32 with a filter as wide as the step, so that nothing aliases."""
    image = np.ascontiguousarray(image, dtype=np.float32)
    if image.shape == (height, width):
        return image
    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))


def index_intrinsics(camera: Camera) -> NDArray[Any]:
    """K (3, 3) float64 for array indices instead of pixels."""
    matrix = camera.intrinsics
    matrix[:2, 2] -= 0.5
    return matrix


def indices_from_world(camera: Camera) -> NDArray[Any]:
    """The matrix (3, 4) float64 from world points to homogeneous array indices; w is the depth."""
    return np.asarray(index_intrinsics(camera) @ camera.camera_from_world[:3])
