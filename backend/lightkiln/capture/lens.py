# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes an image fit its camera, and a camera a pinhole.

Undistorting asks, for every pixel of the pinhole's image, where the lens put it: with K the matrix
of intrinsics, z >= 1 a zoom and D the lens model of `lightkiln_shared.camera`,

    u_source = K D( K_z^-1 u_target ),    K_z = K with its focal lengths times z.

z is the smallest that leaves no pixel without a source, so no border has to be invented.
It must not know files or scenes.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from lightkiln_shared.camera import Camera, distort, scaled
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

ZOOMS = np.geomspace(1.0, 2.0, 36)  # steps of 2 %; beyond 2 it is no lens of a photograph
ASPECT_TOLERANCE = 0.01  # resized images are rounded to whole pixels


def fitted(camera: Camera, width: int, height: int, name: str) -> Camera:
    """The camera for its image of `width` x `height` pixels, which may have been resized.

    Raises `InvalidScene` if the shapes differ: the image was cropped or turned.
    """
    if (width, height) == (camera.width, camera.height):
        return camera
    if abs(width / height * camera.height / camera.width - 1.0) > ASPECT_TOLERANCE:
        raise InvalidScene(
            f"The image {name} has {width} x {height} pixels, "
            f"its camera {camera.width} x {camera.height}.",
            hint="Use the images that the cameras were made for, neither cropped nor turned.",
        )
    return scaled(camera, width, height)


def undistorted(camera: Camera, name: str) -> Camera:
    """The pinhole at the same place whose whole image the lens covers; see the file's formula."""
    if not any(camera.distortion):
        return replace(camera, distortion=())
    for zoom in ZOOMS:
        fx, fy = camera.focal
        pinhole = replace(camera, focal=(fx * float(zoom), fy * float(zoom)), distortion=())
        if _covers(camera, pinhole):
            return pinhole
    raise InvalidScene(
        f"The lens distortion of {name} cannot be undone.",
        hint="Undistort the images first (COLMAP: image_undistorter), and export pinhole cameras.",
    )


def resample(channel: NDArray[Any], camera: Camera, pinhole: Camera) -> NDArray[Any]:
    """Move a channel (H, W) of the camera's image to the pinhole's, bilinearly, in its own type."""
    rows, columns = _sources(_lens(camera), _lens(pinhole), camera.width, camera.height)
    moved = map_coordinates(channel, [rows, columns], order=1, mode="nearest", output=np.float32)
    is_whole = np.issubdtype(channel.dtype, np.integer)
    return np.asarray((np.rint(moved) if is_whole else moved).astype(channel.dtype))


def straightened(image: NDArray[Any], camera: Camera) -> NDArray[Any]:
    """An image (H, W, 3) uint8 as a pinhole with the same intrinsics would have taken it, so z = 1.

    Black where the lens saw nothing.
    """
    target = camera.focal, camera.principal_point, ()
    rows, columns = _sources(_lens(camera), target, camera.width, camera.height)
    return np.asarray(cv2.remap(image, columns, rows, cv2.INTER_LINEAR))


_Lens = tuple[tuple[float, float], tuple[float, float], tuple[float, ...]]


def _lens(camera: Camera) -> _Lens:
    return camera.focal, camera.principal_point, camera.distortion


@lru_cache(maxsize=2)  # the views of a scene mostly share one lens
def _sources(
    source: _Lens, target: _Lens, width: int, height: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Rows and columns (H, W) float32, counted from pixel centres, to take each pixel from."""
    columns, rows = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    u, v = _source_pixels(source, target, columns, rows)
    return (v - 0.5).astype(np.float32), (u - 0.5).astype(np.float32)


def _source_pixels(
    source: _Lens, target: _Lens, u: NDArray[Any], v: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    (fx, fy), (cx, cy), _ = target
    x, y = distort(source[2], (u - cx) / fx, (v - cy) / fy)
    (fx, fy), (cx, cy), _ = source
    return fx * x + cx, fy * y + cy


def _covers(camera: Camera, pinhole: Camera) -> bool:
    """True if every pixel of the pinhole's border comes from inside the camera's image, and the
    lens model does not fold back on the way to it (polynomials do, outside the fitted range)."""
    w, h = camera.width, camera.height
    along = np.linspace(0.0, 1.0, 65)
    border_u = np.concatenate([along * w, along * w, 0 * along, 0 * along + w])
    border_v = np.concatenate([0 * along, 0 * along + h, along * h, along * h])
    cx, cy = pinhole.principal_point
    part = np.linspace(0.0, 1.0, 33)[:, None]
    u, v = _source_pixels(
        _lens(camera), _lens(pinhole), cx + part * (border_u - cx), cy + part * (border_v - cy)
    )
    inside = (u[-1] > -0.5) & (u[-1] < w + 0.5) & (v[-1] > -0.5) & (v[-1] < h + 0.5)
    grows = np.diff(np.hypot(u - cx, v - cy), axis=0) > -1e-9  # rounding at the centre itself
    return bool(inside.all() and grows.all())
