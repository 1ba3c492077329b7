# SPDX-License-Identifier: GPL-3.0-or-later
"""Guesses the region from what structure from motion has seen: a box about the points that most
cameras have before them, near the place at which they look.

It must not know files or how the points were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray, project
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray

from .region import closest_point, fit_to_cameras

SEEN_BY = 0.7
"""The part of the cameras in whose images a point of the object lies."""
OUTSIDE = 0.02
"""The part of the points that may be left out on each side: they are wrong, or of the ground."""
MARGIN = 0.1
"""Added on each side, as a part of the box's size."""
ENOUGH = 50
"""Points; fewer say less than the cameras alone."""
MIN_TRACK = 3
"""Photographs that must agree on a point."""


def fit_to_points(
    cameras: Sequence[Camera], points: FloatArray, errors: NDArray[Any], tracks: NDArray[Any]
) -> Region:
    """A box, world axes, about the points (N, 3) of the object; without enough of them the ball
    that most cameras see whole. Raises `InvalidScene` if the cameras look at no common place."""
    sure = (tracks >= MIN_TRACK) & (errors <= 2.0 * np.median(errors)) if len(points) else []
    near = _about_the_middle(cameras, points[sure])
    if len(near) < ENOUGH:
        return _fit_to_cameras(cameras)
    low, high = np.quantile(near, (OUTSIDE, 1.0 - OUTSIDE), axis=0)
    half = (high - low) * (0.5 + MARGIN)
    half = np.maximum(half, 0.05 * half.max())  # a flat thing still needs a volume
    matrix = np.diag([*half, 1.0])
    matrix[:3, 3] = (low + high) / 2.0
    return Region(shape=RegionShape.BOX, world_from_region=matrix)


def _about_the_middle(cameras: Sequence[Camera], points: FloatArray) -> FloatArray:
    """The points that most cameras have in their images, without what lies far from the rest."""
    if len(points) == 0:
        return points
    seen = np.zeros(len(points))
    for camera in cameras:
        pixels, depth = project(camera, points)
        inside = (pixels > 0.0) & (pixels < (camera.width, camera.height))
        seen += inside.all(axis=1) & (depth > 0.0)
    common = points[seen >= SEEN_BY * len(cameras)]
    if len(common) < ENOUGH:
        return common
    centres = np.stack([camera.centre for camera in cameras])
    axes = np.stack([camera.world_from_camera[:3, 2] for camera in cameras])
    middle = closest_point(centres, axes)
    distance = np.linalg.norm(common - middle, axis=1)
    reach = 0.7 * float(np.median(np.linalg.norm(centres - middle, axis=1)))  # not the walls behind
    spread = 3.0 * float(np.median(distance))
    return np.asarray(common[distance <= min(reach, spread)])


def _fit_to_cameras(cameras: Sequence[Camera]) -> Region:
    try:
        return fit_to_cameras(cameras)
    except InvalidScene:  # a walk past something: about what lies before the cameras
        forward = np.mean([camera.world_from_camera[:3, 2] for camera in cameras], axis=0)
        centres = np.stack([camera.centre for camera in cameras])
        size = max(float(np.ptp(centres, axis=0).max()), 1e-3)
        matrix = np.diag([size / 2, size / 2, size / 2, 1.0])
        matrix[:3, 3] = centres.mean(axis=0) + size * forward
        return Region(shape=RegionShape.BOX, world_from_region=matrix)
