# SPDX-License-Identifier: GPL-3.0-or-later
"""COLMAP's camera models and our `Camera`, both ways.

Five models are special cases of ours; FULL_OPENCV is where k4 = k5 = k6 = 0. Of the others a
`Camera` is fitted: the focal lengths, k1, k2, p1, p2, k3 that send the rays through a lattice of
pixels nearest to where COLMAP's own camera sends them. It is kept if no ray misses by more than
`MISS` pixels; a wide fisheye fails, and its images have to be undistorted.
It must not know files.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray, distort
from scipy.optimize import least_squares

from .colmap_library import pycolmap

MISS = 0.3
"""Pixels: less than features are located to in a photograph."""
SIDE = 24
"""Pixels of the lattice along each edge of the image."""

# Where each model keeps (fx, fy, cx, cy) and (k1, k2, p1, p2, k3) among its parameters.
_LAYOUTS: dict[str, tuple[tuple[int, int, int, int], tuple[int, ...]]] = {
    "SIMPLE_PINHOLE": ((0, 0, 1, 2), ()),
    "PINHOLE": ((0, 1, 2, 3), ()),
    "SIMPLE_RADIAL": ((0, 0, 1, 2), (3,)),
    "RADIAL": ((0, 0, 1, 2), (3, 4)),
    "OPENCV": ((0, 1, 2, 3), (4, 5, 6, 7)),
    "FULL_OPENCV": ((0, 1, 2, 3), (4, 5, 6, 7, 8)),
}


def camera_from_colmap(camera: pycolmap.Camera, world_from_camera: FloatArray) -> Camera | None:
    """Our camera for COLMAP's; None if no camera of ours comes near it."""
    values = [float(value) for value in camera.params]
    layout = _LAYOUTS.get(str(camera.model_name))
    if layout is None or (any(values[9:]) and camera.model_name == "FULL_OPENCV"):
        return _fitted(camera, world_from_camera)
    (fx, fy, cx, cy), lens = layout
    distortion = tuple(values[i] for i in lens)
    return Camera(
        world_from_camera=world_from_camera,
        focal=(values[fx], values[fy]),
        principal_point=(values[cx], values[cy]),
        width=camera.width,
        height=camera.height,
        distortion=distortion if any(distortion) else (),
    )


def colmap_from_camera(camera: Camera, number: int) -> pycolmap.Camera:
    """COLMAP's camera for ours, as PINHOLE, OPENCV or FULL_OPENCV."""
    lens = (*camera.distortion, *(0.0,) * (5 - len(camera.distortion)))
    model, extra = ("FULL_OPENCV", (*lens, 0.0, 0.0, 0.0)) if lens[4] else ("OPENCV", lens[:4])
    if not any(lens):
        model, extra = "PINHOLE", ()
    made = colmap_lens(camera, model, extra)
    made.camera_id = number
    return made


def colmap_lens(camera: Camera, model: str, extra: tuple[float, ...]) -> pycolmap.Camera:
    """COLMAP's camera of a model whose parameters begin with fx, fy, cx, cy."""
    return pycolmap.Camera(
        model=model,
        width=camera.width,
        height=camera.height,
        params=[*camera.focal, *camera.principal_point, *extra],
    )


def _fitted(camera: pycolmap.Camera, world_from_camera: FloatArray) -> Camera | None:
    u, v = np.meshgrid(np.linspace(0.0, camera.width, SIDE), np.linspace(0.0, camera.height, SIDE))
    pixels = np.stack([u.ravel(), v.ravel()], axis=-1)
    rays = np.asarray(camera.cam_from_img(pixels), dtype=np.float64)
    if not np.isfinite(rays).all() or np.abs(rays).max() > np.tan(np.radians(70.0)):
        return None  # so wide that a plane in front of the camera does not hold the image
    cx, cy = float(camera.principal_point_x), float(camera.principal_point_y)

    def misses(values: Any) -> FloatArray:
        x, y = distort(tuple(values[2:]), rays[:, 0], rays[:, 1])
        return np.concatenate(
            [values[0] * x + cx - pixels[:, 0], values[1] * y + cy - pixels[:, 1]]
        )

    start = [camera.focal_length_x, camera.focal_length_y, 0.0, 0.0, 0.0, 0.0, 0.0]
    best = least_squares(misses, start, x_scale="jac")
    if np.abs(best.fun).max() > MISS:
        return None
    fx, fy, *lens = (float(value) for value in best.x)
    return Camera(
        world_from_camera=world_from_camera,
        focal=(fx, fy),
        principal_point=(cx, cy),
        width=camera.width,
        height=camera.height,
        distortion=tuple(lens),
    )
