# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame in which things are learned from pictures, and where their points fall in a crop.

Azimuth of a round thing cannot be seen, so points are turned about Z until the camera stands at
azimuth 0, before the front: a finished mesh faces whoever took the picture, upright. A picture is
seen through a window: the middle and the side of a square, in its pixels; places in it run from -1
to 1, x to the right and y down. It must not know networks or files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.camera import Camera
from numpy.typing import NDArray

from lightkiln.learned.world.samples import camera_of

VIEW = 64
"""Pixels of the picture in whose numbers a lone photograph's camera is guessed."""


def facing(
    x: Float[NDArray[Any], "n points 3"], azimuth: Float[NDArray[Any], " n"]
) -> Float[NDArray[Any], "n points 3"]:
    """Turn each thing's points so that a camera at that azimuth comes to stand at azimuth 0."""
    cosine, sine = np.cos(azimuth)[:, None], np.sin(azimuth)[:, None]
    across = cosine * x[..., 0] + sine * x[..., 1]
    ahead = cosine * x[..., 1] - sine * x[..., 0]
    return np.stack([across, ahead, x[..., 2]], axis=-1)


def turned_back(
    x: Float[NDArray[Any], "n points 3"], azimuth: Float[NDArray[Any], " n"]
) -> Float[NDArray[Any], "n points 3"]:
    """The inverse of `facing`."""
    return facing(x, -azimuth)


def projection(camera: Camera, window: Float[NDArray[Any], " 3"]) -> Float[NDArray[Any], "3 4"]:
    """Points (x, y, z, 1) to a window's places times depth, and depth, of a pinhole camera."""
    x, y, side = (float(value) for value in window)
    crop = np.array(
        [[2.0 / side, 0.0, -2.0 * x / side], [0.0, 2.0 / side, -2.0 * y / side], [0.0, 0.0, 1.0]]
    )
    return np.asarray(crop @ camera.intrinsics @ camera.camera_from_world[:3])


def guessed_projection(guess: Float[NDArray[Any], " 4"]) -> Float[NDArray[Any], "3 4"]:
    """That of a photograph whose elevation and window were guessed; the camera is before it."""
    elevation = float(np.clip(guess[0], -0.3, 1.0))  # a little beyond what was taught
    middle = 0.5 * VIEW * (1.0 + guess[1:3])
    side = VIEW * float(np.exp(np.clip(guess[3], -2.0, 1.0)))
    window = np.array([*middle, side])
    return projection(camera_of(np.array([0.0, elevation]), VIEW), window)


def guess_of(
    elevation: Float[NDArray[Any], "*n"], windows: Float[NDArray[Any], "*n 3"], pixels: int
) -> Float[NDArray[Any], "*n 4"]:
    """What is to be guessed of pictures: elevation, the window's middle, the log of its side."""
    middle = 2.0 * windows[..., :2] / pixels - 1.0
    side = np.log(windows[..., 2:] / pixels)
    return np.concatenate([elevation[..., None], middle, side], axis=-1)
