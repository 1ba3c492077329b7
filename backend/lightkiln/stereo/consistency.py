# SPDX-License-Identifier: GPL-3.0-or-later
"""What depth maps agree on: points that other views confirm, without specks.

It must not know how depths were found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from lightkiln.ops.kernels import stereo_surfels

from .depth_maps import DepthMap
from .surfels import surfels

TOLERANCE = 0.8
"""Pixels of the map, as metres at the point's depth."""
LEAST_COSINE = 0.5
"""Normals of one surface in two views differ by less than 60 degrees."""
SURE = 3
"""So many confirming views give full confidence."""
LEAST_SPECK = 12
"""Pixels: connected surfaces that are smaller are noise."""
LARGEST_STEP = 8.0
"""Pixels, as metres: how much depths in 3 x 3 pixels differ on a surface slanted by 76 degrees."""


def confirmed(
    maps: Sequence[DepthMap], neighbours: Sequence[Sequence[int]], least_views: int
) -> list[DepthMap]:
    """The maps without the points that fewer than `least_views` of their neighbours confirm.

    `neighbours` are indices into `maps`, for each map; where a map has fewer of them, as many as it
    has must agree. Confidence is scaled by the number of views that do.
    """
    prepared = [surfels(depth_map) for depth_map in maps]
    out = []
    for own, depth_map, others in zip(prepared, maps, neighbours, strict=True):
        counts = np.zeros(own.weights.shape, dtype=np.int16)
        for other in others:
            stereo_surfels.count_agreeing(own, prepared[other], TOLERANCE, LEAST_COSINE, counts)
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
    smooth = (depth > 0.0) & (spread < LARGEST_STEP * depth / depth_map.camera.focal[0])
    labels, _ = ndimage.label(smooth, structure=np.ones((3, 3)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    large = ndimage.binary_dilation(sizes[labels] >= LEAST_SPECK, structure=np.ones((3, 3), bool))
    return replace(depth_map, confidence=depth_map.confidence * large.astype(np.float32))
