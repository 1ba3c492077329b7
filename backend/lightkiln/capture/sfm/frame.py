# SPDX-License-Identifier: GPL-3.0-or-later
"""Guesses how a solved scene should lie in the world: which way is up, where its middle is, and how
large it is. Structure from motion leaves all seven numbers free.

Up: people hold cameras level, so the photographs' right-hand vectors r_i lie flat. The axis u with
the least sum_i w_i (r_i . u)², |u| = 1, is the last eigenvector of sum_i w_i r_i r_i^T; weights
w_i = 1 / (|r_i . u| + 0.1) make it the one that most agree upon. Its sign is that of the
photographs' own up. EXIF's orientation says which edge of the stored pixels was up.
It must not know COLMAP or files.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray

MEDIAN_DISTANCE = 1.0
"""Metres from the middle of the scene to the median camera: nothing else is known of its size."""
FLAT = 0.02
"""Where the right-hand vectors spread less than this, of their length squared, they define no
plane: the cameras stand in a row."""
LEVEL = 0.1
"""Sine of some 6 degrees by which people hold cameras askew."""

_RIGHT = {3: (-1.0, 0.0, 0.0), 6: (0.0, -1.0, 0.0), 8: (0.0, 1.0, 0.0)}
_UP = {3: (0.0, 1.0, 0.0), 6: (-1.0, 0.0, 0.0), 8: (1.0, 0.0, 0.0)}


def up_axis(cameras: Sequence[Camera], orientations: Sequence[int]) -> FloatArray:
    """The unit vector (3,) that points up, world axes; `orientations` are EXIF's."""
    turns = [camera.world_from_camera[:3, :3] for camera in cameras]
    pairs = list(zip(turns, orientations, strict=True))
    right = np.stack([turn @ _RIGHT.get(way, (1.0, 0.0, 0.0)) for turn, way in pairs])
    above = np.stack([turn @ _UP.get(way, (0.0, -1.0, 0.0)) for turn, way in pairs])
    weights = np.ones(len(right))
    for _ in range(10):
        spread, axes = np.linalg.eigh((right * weights[:, None]).T @ right / weights.sum())
        up = axes[:, 0]
        weights = 1.0 / (np.abs(right @ up) + LEVEL)
    if spread[1] < FLAT:
        up = above.mean(axis=0)
        return np.asarray(up / np.linalg.norm(up))
    return np.asarray(up * (1.0 if np.median(above @ up) >= 0.0 else -1.0))


def upright(up: FloatArray, towards: FloatArray) -> FloatArray:
    """The rotation (3, 3) that turns `up` to +Z and the flat part of `towards` to +Y, so that what
    the first camera sees is seen from Blender's front."""
    flat = towards - (towards @ up) * up
    if np.linalg.norm(flat) < 1e-6:  # it looks straight down: any heading will do
        flat = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    forward = flat / np.linalg.norm(flat)
    return np.stack([np.cross(forward, up), forward, up])


def scale_of(centres: FloatArray, middle: FloatArray) -> float:
    """The factor that brings the median camera, of (N, 3), to its distance from the middle."""
    return MEDIAN_DISTANCE / float(np.median(np.linalg.norm(centres - middle, axis=1)))
