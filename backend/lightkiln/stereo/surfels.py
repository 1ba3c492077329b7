# SPDX-License-Identifier: GPL-3.0-or-later
"""From a depth map to patches of surface in the world.

A pixel's plane (w, a, b) holds the points with 1/z = w + a (u - c) + b (v - r). With the rows p_u,
p_v, p_z of the matrix from the world to homogeneous indices, and z = p_z . y, that is g . y = 1 for

    g = a p_u + b p_v + (w - a c - b r) p_z     (on homogeneous y),

a plane whose normal towards the camera is -g / |g|. It must not know other maps.
"""

from __future__ import annotations

import numpy as np

from lightkiln.ops.kernels.stereo_surfels import Surfels

from .depth_maps import DepthMap
from .views import index_intrinsics, indices_from_world


def surfels(depth_map: DepthMap) -> Surfels:
    """The map's surfels, in world axes and metres."""
    camera = depth_map.camera
    matrix = indices_from_world(camera)
    w, a, b = np.moveaxis(depth_map.planes.astype(np.float64), -1, 0)
    rows, columns = np.indices(w.shape)
    terms = np.stack([a, b, w - a * columns - b * rows], axis=-1)
    g = terms @ matrix
    g[..., 3] -= 1.0
    # Unknown pixels have no plane: any length but 0 will do, their weight is 0.
    length = np.linalg.norm(g[..., :3], axis=-1, keepdims=True) + 1e-12
    planes = -g / length
    depth = depth_map.depth.astype(np.float64)
    pixels = np.stack([columns, rows, np.ones_like(rows)], axis=-1)
    rays = pixels @ (camera.world_from_camera[:3, :3] @ np.linalg.inv(index_intrinsics(camera))).T
    points = camera.centre + depth[..., None] * rays
    cosine = -(planes[..., :3] * rays).sum(axis=-1) / np.linalg.norm(rays, axis=-1)
    return Surfels(
        index_from_world=matrix.astype(np.float32),
        points=points.astype(np.float32),
        planes=planes.astype(np.float32),
        weights=(depth_map.confidence * np.clip(cosine, 0.0, 1.0)).astype(np.float32),
        pixel=(depth / camera.focal[0]).astype(np.float32),
    )
