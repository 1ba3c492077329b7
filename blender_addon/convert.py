# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's axes, lens and units <-> ours. This happens here and nowhere else. No bpy; numpy only.

Blender's camera looks along -Z with +Y up, ours along +Z with +Y down, so a pose changes on the
camera's side: world_from_camera = matrix_world @ diag(1, -1, -1, 1). Both worlds are right-handed
with Z up, and a Blender unit counts as a metre: points need no conversion at all.

Notation of the lens, for an image of w x h pixels of aspect a = a_y / a_x:

    fit     horizontal or vertical; AUTO takes the larger of w and a h
    v       w (horizontal) or a h (vertical): the side, in x pixels, that the sensor size covers
    f_x     = v lens / sensor          f_y = f_x / a
    c_x     = w / 2 - v shift_x        c_y = h / 2 + v shift_y / a

AUTO measures with the sensor's width whichever side is larger, as Blender does.

The motion tracker counts pixels from the lower left corner, Y up. With Y turned round, Brown's
tangential terms change places and one its sign: OpenCV's (p1, p2) = (-P2, P1).

It must not know bpy, files or the wire.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .shared.camera import Camera
from .tracker_lens import TrackerLens, radial_of

FLIP_Y_Z = np.diag([1.0, -1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """What Blender says of a perspective camera."""

    lens: float
    """Focal length, millimetres."""
    sensor_width: float
    """Millimetres."""
    sensor_height: float
    """Millimetres."""
    sensor_fit: str
    """`AUTO`, `HORIZONTAL` or `VERTICAL`."""
    shift_x: float = 0.0
    shift_y: float = 0.0
    """Shifts in units of the side that the fit chooses."""
    pixel_aspect: float = 1.0
    """Height of a pixel over its width."""
    distortion: tuple[float, ...] = ()
    """OpenCV's k1, k2, p1, p2, k3. Blender's camera has none: its image behind it has."""


def camera_from_blender(matrix_world: NDArray[Any], lens: Lens, width: int, height: int) -> Camera:
    """The camera of an image of `width` x `height` pixels that a Blender camera took.

    The object's scale is removed, as Blender does when it renders.
    """
    aspect = lens.pixel_aspect
    auto_is_horizontal = lens.sensor_fit == "AUTO" and width >= aspect * height
    is_horizontal = lens.sensor_fit == "HORIZONTAL" or auto_is_horizontal
    covered = width if is_horizontal else aspect * height
    sensor = lens.sensor_height if lens.sensor_fit == "VERTICAL" else lens.sensor_width
    focal_x = covered * lens.lens / sensor
    return Camera(
        world_from_camera=unscaled(matrix_world) @ FLIP_Y_Z,
        focal=(focal_x, focal_x / aspect),
        principal_point=(
            width / 2 - covered * lens.shift_x,
            height / 2 + covered * lens.shift_y / aspect,
        ),
        width=width,
        height=height,
        distortion=lens.distortion,
    )


def lens_of_camera(camera: Camera, sensor_width: float = 36.0) -> Lens:
    """The lens with which a Blender camera takes what `camera` takes; inverse of the above."""
    (focal_x, focal_y), (c_x, c_y) = camera.focal, camera.principal_point
    aspect = focal_x / focal_y
    return Lens(
        lens=focal_x * sensor_width / camera.width,
        sensor_width=sensor_width,
        sensor_height=sensor_width * camera.height * aspect / camera.width,
        sensor_fit="HORIZONTAL",
        shift_x=0.5 - c_x / camera.width,
        shift_y=(c_y - camera.height / 2) * aspect / camera.width,
        pixel_aspect=aspect,
        distortion=camera.distortion,
    )


def camera_from_view(
    view_matrix: NDArray[Any], window_matrix: NDArray[Any], width: int, height: int
) -> Camera:
    """The camera of a perspective viewport; both matrices as in `RegionView3D`.

    With P the window matrix, a point (x, y, z) of the view falls on the normalised device
    coordinates ((P00 x + P02 z) / -z, (P11 y + P12 z) / -z).
    """
    (p00, p02), (p11, p12) = window_matrix[0, [0, 2]].tolist(), window_matrix[1, [1, 2]].tolist()
    return Camera(
        world_from_camera=unscaled(np.linalg.inv(np.asarray(view_matrix, np.float64))) @ FLIP_Y_Z,
        focal=(p00 * width / 2, p11 * height / 2),
        principal_point=(width / 2 * (1.0 - p02), height / 2 * (1.0 + p12)),
        width=width,
        height=height,
    )


def cameras_from_tracker(
    lens: TrackerLens, matrices: list[NDArray[Any]], world_from_solve: NDArray[Any]
) -> list[Camera]:
    """Cameras of the motion tracker; raises `InvalidScene` if the lens cannot be expressed.

    `matrices` (4, 4) are as in `MovieReconstructedCamera`, `world_from_solve` (4, 4) may scale.
    """
    (k1, k2, k3), (p1, p2) = radial_of(lens), lens.tangential
    distortion = (k1, k2, -p2, p1, k3)
    c_x, c_y = lens.principal_point
    return [
        Camera(
            world_from_camera=unscaled(world_from_solve @ matrix) @ FLIP_Y_Z,
            focal=(lens.focal, lens.focal * lens.pixel_aspect),
            principal_point=(c_x, lens.height - c_y),
            width=lens.width,
            height=lens.height,
            distortion=distortion if any(distortion) else (),
        )
        for matrix in matrices
    ]


def blender_from_pose(world_from_camera: NDArray[Any]) -> NDArray[Any]:
    """The `matrix_world` (4, 4) of a Blender camera with this pose."""
    return np.asarray(world_from_camera @ FLIP_Y_Z)


def unscaled(matrix: NDArray[Any]) -> NDArray[Any]:
    """The matrix (4, 4) with axes of length one; a length of zero stays, for others to refuse."""
    result = np.array(matrix, dtype=np.float64)
    lengths = np.linalg.norm(result[:3, :3], axis=0)
    result[:3, :3] /= np.where(lengths > 0.0, lengths, 1.0)
    return result
