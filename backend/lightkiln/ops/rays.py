# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels to rays.

A pinhole at c with rotation R (world from camera) and intrinsics K looks through pixel (u, v) along
R K^-1 (u, v, 1). It must not know images or fields.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, Int
from lightkiln_shared.camera import Camera
from numpy.typing import NDArray


def world_from_pixel(camera: Camera) -> Float[NDArray[Any], "3 3"]:
    """R K^-1: takes (u, v, 1), pixels, to a direction in the world, not unit."""
    return np.asarray(camera.world_from_camera[:3, :3] @ np.linalg.inv(camera.intrinsics))


def pixel_directions(
    world_from_pixel: Float[NDArray[Any], "*views 3 3"], pixels: Float[NDArray[Any], "rays 2"]
) -> Float[NDArray[Any], "rays 3"]:
    """Unit directions through `pixels` (u, v), one matrix for all or one for each."""
    ends = world_from_pixel[..., :2] @ pixels[..., None]
    directions = ends[..., 0] + world_from_pixel[..., 2]
    return np.asarray(directions / np.linalg.norm(directions, axis=-1, keepdims=True))


def pixel_centres(
    index: Int[NDArray[Any], " pixels"], width: int | Int[NDArray[Any], " pixels"]
) -> Float[NDArray[Any], "pixels 2"]:
    """(u, v) of the centres of pixels, counted row by row; one `width` for all or one for each."""
    return np.stack([index % width + 0.5, index // width + 0.5], axis=-1)
