# SPDX-License-Identifier: GPL-3.0-or-later
"""The region: an ordinary empty that can be moved and scaled. Put where the selected cameras look,
or around what they see of the sparse points."""

from __future__ import annotations

import bpy
import numpy as np
from bpy.types import Object, Scene
from mathutils import Matrix
from numpy.typing import NDArray

from .shared.camera import Camera
from .shared.checks import sees

NAME = "Lightkiln Region"
SHARE = 0.35
"""Of the mean distance from the cameras: about what fills half of a usual picture."""
SEEN_BY = 0.7
"""The part of the cameras in whose images a point of the object lies."""
ENOUGH = 50
"""Points; fewer say nothing about what most cameras see."""
SPREAD = 3.0
"""Times the median distance from the middle: farther points are of the background."""
OUTSIDE = 0.02
"""The part of the points that is left out on each side."""
MARGIN = 0.1
"""Added on each side, as part of the size."""
DISPLAY_TYPES = {"BOX": "CUBE", "SPHERE": "SPHERE"}


def add(scene: Scene, shape: str, cameras: list[Object]) -> Object:
    """A new empty in the scene around the point that the cameras look at."""
    centre, size = fitted(cameras) if cameras else (np.zeros(3), 1.0)
    empty = bpy.data.objects.new(NAME, None)
    empty.empty_display_type = DISPLAY_TYPES[shape]
    empty.location = centre
    empty.scale = (size, size, size)
    scene.collection.objects.link(empty)
    return empty


def fitted(cameras: list[Object]) -> tuple[NDArray[np.float64], float]:
    """(centre (3,), half size): the point nearest to all optical axes, and a share of the distance.

    The point solves sum (I - d dᵀ)(x - c) = 0 over cameras at c with unit directions d.
    """
    poses = np.array([camera.matrix_world for camera in cameras], dtype=np.float64)
    centres, directions = poses[:, :3, 3], -poses[:, :3, 2]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    across = np.eye(3) - directions[:, :, None] * directions[:, None, :]
    # lstsq, because one camera or parallel ones leave the point on their axis open
    point = np.linalg.lstsq(
        across.sum(axis=0), np.einsum("nij,nj->i", across, centres), rcond=1e-6
    )[0]
    distance = np.median(np.linalg.norm(centres - point, axis=1))
    return point, float(max(SHARE * distance, 1e-3))  # a millimetre can still be seen and scaled


def fit(empty: Object, points: NDArray[np.float64], seen_by: NDArray[np.float64]) -> None:
    """Put the region around points (N, 3), keeping its turn; `seen_by` (N,) is in [0, 1]."""
    turn = np.array(empty.matrix_world.to_3x3().normalized(), dtype=np.float64)
    matrix = around(points, seen_by, turn, empty.empty_display_type == DISPLAY_TYPES["SPHERE"])
    matrix[:3, :3] /= empty.empty_display_size
    empty.matrix_world = Matrix(matrix.tolist())


def around(
    points: NDArray[np.float64],
    seen_by: NDArray[np.float64],
    turn: NDArray[np.float64],
    is_round: bool = False,
) -> NDArray[np.float64]:
    """(4, 4): where [-1, 1]³, turned by `turn` (3, 3), comes to lie to hold the object's points.

    What most cameras see is the object; what lies far from the middle of that is background, and
    the outermost points are wrong ones.
    """
    near = points[seen_by >= SEEN_BY]
    if len(near) < ENOUGH:
        near = points
    middle = np.median(near, axis=0)
    far = np.linalg.norm(near - middle, axis=1)
    near = near[far <= SPREAD * np.median(far)]
    low, high = np.quantile(near @ turn, (OUTSIDE, 1.0 - OUTSIDE), axis=0)
    half = np.maximum((high - low) * (0.5 + MARGIN), 1e-3)
    half = np.maximum(half, 0.05 * half.max())  # a flat thing still needs a volume
    if is_round:
        half = np.full(3, np.linalg.norm(half) / np.sqrt(1.5))  # between inside and around the box
    matrix = np.eye(4)
    matrix[:3, :3] = turn * half
    matrix[:3, 3] = turn @ ((low + high) / 2.0)
    return matrix


def share_of_views(points: NDArray[np.float64], cameras: list[Camera]) -> NDArray[np.float64]:
    """(N,): the part of the cameras in whose images each point (N, 3) lies."""
    return np.mean([sees(camera, points) for camera in cameras], axis=0)
