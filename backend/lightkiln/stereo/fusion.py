# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps become one signed distance.

The maps vote at lattice points near the enclosure's inside; what none of them sees is decided by
the hull (what is inside is inside, until a view looks through it) or, where there is none, by the
votes (a point that enough views find hidden is inside). A membrane ties all of it together, the
hull cuts it, and the result is made a true signed distance again. It must not know images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.bricks import BrickGrid, from_dense
from lightkiln.ops.kernels import stereo_membrane, stereo_surfels
from lightkiln.ops.kernels.redistance import redistance

from .depth_maps import DepthMap, Enclosure
from .surfels import surfels

TRUNCATION = 3.0
"""Voxels."""
BAND = 5.0
"""Voxels about the surface that the grid stores."""
STIFFNESS = 0.05
"""Of the membrane, where one sure view has a weight of 1."""
NUM_RELAXATIONS = 24
HULL_WEIGHT = 0.3
"""What the hull weighs where no view sees a surface, against 1 for a view that does."""
GUESS_WEIGHT = 0.03
"""The same for a guess from the votes, without masks."""
ENOUGH = 0.5
"""With this weight the views need no prior."""
LEAST_WEIGHT = 1e-3
"""So that no point is without any value."""
HIDDEN_SHARE = 0.5
HIDDEN_SLACK = 0.25
"""Without masks: a point is inside if more than this share of the views that face it find it
hidden, and surely so if the share is larger by the slack. A view through it counts against two."""
HULL_SLACK = 0.75
"""Voxels that the surface may lie outside the hull: masks are not exact."""


def fuse(
    maps: Sequence[DepthMap], enclosure: Enclosure, believed: NDArray[Any] | None
) -> BrickGrid:
    """The surface that the maps agree on, in the bricks about it.

    Channel 0: signed distance, metres, negative inside; channel 1: confidence in [0, 1], 0 where no
    view has seen a surface.
    """
    return stored(*agreed(maps, enclosure, believed))


def agreed(
    maps: Sequence[DepthMap], enclosure: Enclosure, believed: NDArray[Any] | None
) -> tuple[Enclosure, NDArray[Any]]:
    """The solid that the maps agree on, within the enclosure, and their confidence (X, Y, Z).

    `believed` (X, Y, Z) is the hull on the enclosure's lattice, metres, if there is one.
    """
    lattice = enclosure.lattice
    near = enclosure.distance < 2.0 * lattice.voxel
    points = (lattice.origin + lattice.voxel * np.argwhere(near)).astype(np.float32)
    truncation = TRUNCATION * lattice.voxel
    sums = np.zeros((len(points), 2), dtype=np.float32)
    votes = np.zeros((len(points), 3), dtype=np.int16)
    for depth_map in maps:
        stereo_surfels.vote(surfels(depth_map), points, truncation, sums, votes)
    if believed is None:
        prior, most = _voted(enclosure.distance[near], votes, truncation), GUESS_WEIGHT
    else:
        prior, most = np.clip(believed[near], -truncation, truncation), HULL_WEIGHT
    # The prior steps back where views have an opinion: it would pull every surface outwards.
    own = np.maximum(most * (1.0 - sums[:, 1] / ENOUGH), LEAST_WEIGHT)
    weight = sums[:, 1] + own
    target = (sums[:, 0] + own * prior) / weight
    distance = np.clip(enclosure.distance, -truncation, truncation)
    distance[near] = target
    weights = np.full(lattice.shape, HULL_WEIGHT, dtype=np.float32)
    weights[near] = weight
    seen = np.zeros(lattice.shape, dtype=np.float32)
    seen[near] = sums[:, 1]
    smooth = relaxed(distance, weights)
    cut = np.maximum(smooth, enclosure.distance - HULL_SLACK * lattice.voxel)
    final = redistance(cut, lattice.voxel)
    return Enclosure(lattice=lattice, distance=final), np.minimum(seen, 1.0)


def relaxed(distance: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    """A membrane through `distance`, soft where `weights` are small, both (X, Y, Z) float32."""
    values, out = distance, np.empty_like(distance)
    for _ in range(NUM_RELAXATIONS):
        stereo_membrane.relax(values, distance, weights, STIFFNESS, out)
        values, out = out, (np.empty_like(out) if values is distance else values)
    return values


def _voted(enclosure: NDArray[Any], votes: NDArray[Any], truncation: float) -> NDArray[Any]:
    """What a point is taken for before any surface is seen: (N,) float32, metres."""
    free, hidden, facing = votes.T
    # What only a few views face, in a corner behind the object, is not decided by those few.
    share = (hidden - 2.0 * free) / np.maximum(facing, 0.5 * facing.max())
    sure = np.clip((share - HIDDEN_SHARE) / HIDDEN_SLACK, -1.0, 1.0)
    inside = np.maximum(enclosure, -truncation)
    return np.asarray(np.maximum(-truncation * sure, inside), dtype=np.float32)


def stored(solid: Enclosure, confidence: NDArray[Any] | None = None) -> BrickGrid:
    """The bricks about a solid's surface; channel 1, the confidence (X, Y, Z), is 0 without one."""
    if confidence is None:
        confidence = np.zeros_like(solid.distance)
    values = np.stack([solid.distance, confidence], axis=-1)
    band = np.abs(solid.distance) < BAND * solid.lattice.voxel
    return from_dense(values, band, solid.lattice.origin, solid.lattice.voxel)
