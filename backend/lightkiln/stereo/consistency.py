# SPDX-License-Identifier: GPL-3.0-or-later
"""What depth maps agree on: points that other views confirm, without specks.

It must not know how depths were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lightkiln.ops.kernels import stereo_consistency
from lightkiln.ops.kernels.stereo_consistency import Map

from .depth_maps import DepthMap
from .views import index_intrinsics, indices_from_world

TOLERANCE = 1.5
"""Pixels, as metres at the point's depth: about what a pixel of disparity is at 40 degrees."""
LEAST_COSINE = 0.5
"""Normals of one surface in two views differ by less than 60 degrees."""
SURE = 3
"""So many confirming views give full confidence."""
LEAST_SPECK = 12
"""Pixels: connected surfaces that are smaller are noise."""
LARGEST_STEP = 0.02
"""Depths of neighbouring pixels of a surface differ by less than this part, or there is an edge."""


def confirmed(
    maps: Sequence[DepthMap], neighbours: Sequence[Sequence[int]], least_views: int
) -> list[DepthMap]:
    """The maps without the points that fewer than `least_views` of their neighbours confirm.

    `neighbours` are indices into `maps`, for each map; where a map has fewer of them, as many as it
    has must agree. Confidence is scaled by the number of views that do.
    """
    prepared = [as_map(depth_map) for depth_map in maps]
    out = []
    for own, depth_map, others in zip(prepared, maps, neighbours, strict=True):
        counts = np.zeros(own.confidence.shape, dtype=np.int16)
        for other in others:
            stereo_consistency.count_agreeing(own, prepared[other], TOLERANCE, LEAST_COSINE, counts)
        kept = counts >= max(min(least_views, len(others)), 1)
        share = np.minimum(counts / SURE, 1.0)
        confidence = (depth_map.confidence * share * kept).astype(np.float32)
        out.append(without_specks(replace(depth_map, confidence=confidence)))
    return out


def without_specks(depth_map: DepthMap) -> DepthMap:
    """The map without small islands of known depth."""
    depth = depth_map.depth
    spread = ndimage.maximum_filter(depth, 3) - ndimage.minimum_filter(
        np.where(depth > 0.0, depth, np.inf), 3
    )
    smooth = (depth > 0.0) & (spread < LARGEST_STEP * depth)
    labels, _ = ndimage.label(smooth, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    large = ndimage.binary_dilation(sizes[labels] >= LEAST_SPECK, structure=np.ones((3, 3), bool))
    return replace(depth_map, confidence=depth_map.confidence * large.astype(np.float32))


def as_map(depth_map: DepthMap) -> Map:
    """The map and its camera as the kernels want them."""
    camera = depth_map.camera
    rotation = camera.world_from_camera[:3, :3].astype(np.float64)
    matrix: NDArray[Any] = rotation @ np.linalg.inv(index_intrinsics(camera))
    return Map(
        planes=depth_map.planes,
        confidence=depth_map.confidence,
        index_from_world=np.ascontiguousarray(indices_from_world(camera)),
        world_from_index=np.ascontiguousarray(matrix),
        centre=camera.centre,
    )
