# SPDX-License-Identifier: GPL-3.0-or-later
"""A solid on a lattice, seen by a camera: the depth at which each pixel enters and leaves it.

It must not know where the solid comes from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera
from numpy.typing import NDArray

from lightkiln.ops.kernels import sphere_trace

from .lattice import Lattice
from .views import index_intrinsics


def entry_depth(
    distance: NDArray[Any], lattice: Lattice, camera: Camera, *, backwards: bool = False
) -> NDArray[Any]:
    """Depth (H, W) float32, metres along the optical axis; 0 where the ray misses.

    `distance` (X, Y, Z): metres, negative inside. With `backwards` the depth at which the ray
    leaves the solid for the last time.
    """
    lattice_from_camera = camera.world_from_camera[:3].astype(np.float64) / lattice.voxel
    lattice_from_camera[:, 3] -= lattice.origin / lattice.voxel
    return np.asarray(
        sphere_trace.trace(
            distance / np.float32(lattice.voxel),
            lattice_from_camera,
            np.linalg.inv(index_intrinsics(camera)),
            (camera.height, camera.width),
            backwards,
        )
    )
