# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around a thing, and pictures of it from there. It must not know files or methods."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from .rasterize import shade

FOV = 0.7
"""Radians of the picture's side: a mild perspective."""
MARGIN = 1.06
"""So much farther away than where the ball around the thing would touch the picture's edges."""
ABOVE = 0.35
"""Radians above the horizon."""
AZIMUTH = 0.6
"""Radians from the front to the right: a side is seen beside the front."""
SIDE = 128


def camera_around(
    centre: Float[NDArray[Any], " 3"], radius: float, azimuth: float, elevation: float, side: int
) -> Camera:
    """A square camera that sees a whole ball; azimuth 0 looks from the front, -Y; pi / 2 from +X.

    Angles in radians, the ball in metres, the side in pixels.
    """
    across, up = math.cos(elevation), math.sin(elevation)
    backwards = np.array([across * math.sin(azimuth), -across * math.cos(azimuth), up])
    right = np.array([math.cos(azimuth), math.sin(azimuth), 0.0])
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(right, backwards), -backwards], axis=1)
    pose[:3, 3] = centre + MARGIN * radius / math.sin(0.5 * FOV) * backwards
    focal = 0.5 * side / math.tan(0.5 * FOV)
    return Camera(
        world_from_camera=pose,
        focal=(focal, focal),
        principal_point=(0.5 * side, 0.5 * side),
        width=side,
        height=side,
    )


def ball_around(mesh: TriangleMesh) -> tuple[Float[NDArray[Any], " 3"], float]:
    """Centre and radius, metres, of a ball that holds a mesh: about the middle of its box."""
    low, high = mesh.positions.min(axis=0), mesh.positions.max(axis=0)
    centre = 0.5 * (low + high).astype(np.float64)
    radius = float(np.linalg.norm(mesh.positions - centre, axis=1).max())
    return centre, max(radius, 1e-9)  # a single point has none, and a camera needs a distance


def portrait(mesh: TriangleMesh, side: int = SIDE) -> UInt8[NDArray[Any], "H W 4"]:
    """A picture from the front, a little from the right and from above."""
    return shade(mesh, camera_around(*ball_around(mesh), AZIMUTH, ABOVE, side), lit=True)
