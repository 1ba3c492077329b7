# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture that was rendered, and for which camera. It must not know what was rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lightkiln_shared.camera import Camera, scaled
from numpy.typing import NDArray

PREVIEW_PIXELS = 480 * 270
"""Of a preview, at most: enough to judge a shape by, and made in some 0.1 s on two cores."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RenderedImage:
    """What a preview shows."""

    pixels: NDArray[Any]
    """(H, W, 4) uint8, sRGB, straight alpha, top row first."""
    camera: Camera
    """The camera it was rendered for."""


def preview_camera(camera: Camera, most: int = PREVIEW_PIXELS) -> Camera:
    """The same view in no more than `most` pixels."""
    shrink = min(1.0, (most / (camera.width * camera.height)) ** 0.5)
    width, height = (max(1, round(side * shrink)) for side in (camera.width, camera.height))
    return scaled(camera, width, height)
