# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a region where the selected cameras look: an ordinary empty that can be moved and scaled."""

from __future__ import annotations

import bpy
import numpy as np
from bpy.types import Object, Scene
from numpy.typing import NDArray

NAME = "Lightkiln Region"
SHARE = 0.35
"""Of the mean distance from the cameras: about what fills half of a usual picture."""
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
