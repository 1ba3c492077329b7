# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the part of space to reconstruct when nobody has drawn it.

With masks: the box about their hull (`carving`). Without: the ball about the point closest to all
optical axes, argmin_p sum_i |(I - d_i d_i^T)(p - c_i)|², that most cameras see whole.
It must not know files or methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray

from .carving import ShrunkMask, carved_box
from .inputs import LoadedView

MARGIN = 0.05
"""Added on each side of the box, as a part of its size."""
WHOLE_VIEWS = 0.8
"""The part of the cameras that see the ball whole."""


def fit_region(views: Sequence[LoadedView]) -> Region:
    """Fit to the masks if every view has one, otherwise to the cameras.

    Raises `InvalidScene` if the masks or the cameras have no place in common.
    """
    cameras = [view.camera for view in views]
    if any(view.mask is None for view in views):
        return fit_to_cameras(cameras)
    return fit_to_masks(cameras, [view.mask for view in views if view.mask is not None])


def fit_to_cameras(cameras: Sequence[Camera]) -> Region:
    """The ball that most cameras see whole."""
    axes = np.stack([camera.world_from_camera[:3, 2] for camera in cameras])
    centre = closest_point(np.stack([camera.centre for camera in cameras]), axes)
    clear = [_clearance(camera, centre) for camera in cameras]
    radius = float(np.quantile(clear, 1.0 - WHOLE_VIEWS))
    if not radius > 0.0:
        raise InvalidScene(
            "The cameras do not look at a common place, so no region can be found for them.",
            hint="Draw a region, or select only the cameras that look at the object.",
        )
    return _region(RegionShape.SPHERE, centre, np.full(3, radius))


def fit_to_masks(cameras: Sequence[Camera], masks: Sequence[NDArray[Any]]) -> Region:
    """The box about what the masks' cones have in common, world axes."""
    coarse = [ShrunkMask(camera, mask) for camera, mask in zip(cameras, masks, strict=True)]
    directions = np.stack([mask.middle for mask in coarse])
    centre = closest_point(np.stack([camera.centre for camera in cameras]), directions)
    reach = [mask.reach * np.linalg.norm(centre - mask.camera.centre) for mask in coarse]
    half = np.full(3, 1.5 * float(np.quantile(reach, WHOLE_VIEWS)))  # room for an elongated object
    for _ in range(3):  # each pass looks closer at the box that the last one found
        low, high = carved_box(coarse, centre - half, centre + half)
        centre, half = (low + high) / 2.0, (high - low) / 2.0
    return _region(RegionShape.BOX, centre, half * (1.0 + 2.0 * MARGIN))


def closest_point(origins: FloatArray, directions: FloatArray) -> FloatArray:
    """The point (3,) with the least sum of squared distances to the lines (N, 3) + t (N, 3)."""
    unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    across = np.eye(3) - unit[:, :, None] * unit[:, None, :]
    normal, right = across.sum(axis=0), np.einsum("nij,nj->i", across, origins)
    # Parallel lines leave the point free along them; least squares then takes the smallest.
    return np.asarray(np.linalg.lstsq(normal, right, rcond=1e-9)[0])


def _clearance(camera: Camera, point: FloatArray) -> float:
    """Radius of the largest ball about a point that stays inside a pinhole's view; may be < 0."""
    matrix = camera.camera_from_world
    x, y, z = matrix[:3, :3] @ point + matrix[:3, 3]
    (fx, fy), (cx, cy) = camera.focal, camera.principal_point
    left, right = fx * x + cx * z, (camera.width - cx) * z - fx * x
    top, bottom = fy * y + cy * z, (camera.height - cy) * z - fy * y
    return float(
        min(
            left / np.hypot(fx, cx),
            right / np.hypot(fx, camera.width - cx),
            top / np.hypot(fy, cy),
            bottom / np.hypot(fy, camera.height - cy),
        )
    )


def _region(shape: RegionShape, centre: FloatArray, half: FloatArray) -> Region:
    matrix = np.diag([*half, 1.0])
    matrix[:3, 3] = centre
    return Region(shape=shape, world_from_region=matrix)
