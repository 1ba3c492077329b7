# SPDX-License-Identifier: GPL-3.0-or-later
"""A camera and its projection.

Conventions: camera axes as in OpenCV (+X right, +Y down, +Z forward); the world is right-handed;
pixel (i, j) covers [i, i+1) x [j, j+1), so its centre lies at +0.5; `world_from_camera` maps
camera coordinates to world coordinates: x_world = world_from_camera @ x_camera.

Distortion is OpenCV's (k1, k2, p1, p2, k3): with r² = x² + y² on the plane z = 1,

    x' = x (1 + k1 r² + k2 r⁴ + k3 r⁶) + 2 p1 x y + p2 (r² + 2 x²)
    y' = y (1 + k1 r² + k2 r⁴ + k3 r⁶) + p1 (r² + 2 y²) + 2 p2 x y

It must not know Blender's axes: those are converted in the add-on's `convert.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Matrix4 = Annotated[NDArray[Any], (4, 4)]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Camera:
    """A perspective camera with OpenCV distortion."""

    world_from_camera: Matrix4
    """Rigid pose (4, 4), metres."""
    focal: tuple[float, float]
    """(fx, fy), pixels."""
    principal_point: tuple[float, float]
    """(cx, cy), pixels from the image's top-left corner."""
    width: int
    """Pixels."""
    height: int
    """Pixels."""
    distortion: tuple[float, ...] = ()
    """OpenCV's k1, k2, p1, p2, k3, as many as are not zero; empty: a pinhole."""

    @property
    def camera_from_world(self) -> FloatArray:
        """The inverse pose (4, 4)."""
        rotation = self.world_from_camera[:3, :3].T
        matrix = np.eye(4)
        matrix[:3, :3] = rotation
        matrix[:3, 3] = -rotation @ self.world_from_camera[:3, 3]
        return matrix

    @property
    def intrinsics(self) -> FloatArray:
        """The matrix K (3, 3), pixels."""
        (fx, fy), (cx, cy) = self.focal, self.principal_point
        return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])

    @property
    def centre(self) -> FloatArray:
        """Where the camera stands (3,), metres, world axes."""
        return np.asarray(self.world_from_camera[:3, 3], dtype=np.float64)


def distort(
    distortion: tuple[float, ...], x: FloatArray, y: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Apply OpenCV's lens model to points on the plane z = 1 (any equal shapes)."""
    k1, k2, p1, p2, k3 = (*distortion, *(0.0,) * (5 - len(distortion)))
    r2 = x * x + y * y
    radial = 1.0 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return (
        x * radial + 2.0 * p1 * x * y + p2 * (r2 + 2.0 * x * x),
        y * radial + p1 * (r2 + 2.0 * y * y) + 2.0 * p2 * x * y,
    )


def project(camera: Camera, x_world: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return pixels (..., 2) and depth (...,) along the optical axis, metres.

    Points with depth <= 0 lie behind the camera; their pixels mean nothing.
    """
    matrix = camera.camera_from_world
    x_camera = x_world @ matrix[:3, :3].T + matrix[:3, 3]
    depth = x_camera[..., 2]
    safe = np.where(depth == 0.0, 1.0, depth)  # exactly on the camera's plane: any pixel will do
    x, y = x_camera[..., 0] / safe, x_camera[..., 1] / safe
    if camera.distortion:
        x, y = distort(camera.distortion, x, y)
    (fx, fy), (cx, cy) = camera.focal, camera.principal_point
    return np.stack([fx * x + cx, fy * y + cy], axis=-1), depth


def scaled(camera: Camera, width: int, height: int) -> Camera:
    """The same camera for its image resized to `width` x `height` pixels."""
    sx, sy = width / camera.width, height / camera.height
    return Camera(
        world_from_camera=camera.world_from_camera,
        focal=(camera.focal[0] * sx, camera.focal[1] * sy),
        principal_point=(camera.principal_point[0] * sx, camera.principal_point[1] * sy),
        width=width,
        height=height,
        distortion=camera.distortion,
    )
