# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that views recognised, made ready to hold a surface where stereo is not sure of it.

A point counts by its confidence, by as much as stereo lacks there, and only if a view that saw it
sees it still: what lies behind the surface so far is hidden, and may be of another part.
It must not know how a field learns.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.band import Band
from lightkiln.ops.kernels import fused
from lightkiln.ops.kernels.arrays import Rays, empty_outcome
from lightkiln.ops.kernels.sample import WHOLE, sample

HIDDEN = 3.0
"""Voxels behind the surface at which a point is hidden; stereo is mostly right to within one."""


class Landmarks(NamedTuple):
    """Points in a band."""

    places: NDArray[Any]
    """(n, 3) float32, lattice units."""
    weights: NDArray[Any]
    """(n,) float32 in [0, 1]."""


def landmarks(inputs: Inputs, band: Band, sharpness: float) -> Landmarks | None:
    """Those of the inputs' points that count; None if none does."""
    points = inputs.points
    if points is None or len(points.positions) == 0:
        return None
    places = ((points.positions - band.origin) / band.voxel).astype(np.float32)
    trust = np.empty((len(places), 1), dtype=np.float32)
    sample(band.table, band.trust[:, None], places, WHOLE, trust)
    in_sight = _in_sight(inputs, places, band, sharpness)
    weights = points.confidence * (1.0 - np.clip(np.nan_to_num(trust[:, 0], nan=1.0), 0.0, 1.0))
    counts = in_sight & (weights > 0.0)
    if not counts.any():
        return None
    return Landmarks(places[counts], weights[counts].astype(np.float32))


def _in_sight(inputs: Inputs, places: NDArray[Any], band: Band, sharpness: float) -> NDArray[Any]:
    """Whether a view that saw a point sees it before the surface, or hardly behind it."""
    assert inputs.points is not None
    point, view = inputs.points.seen.T
    centres = np.stack([each.camera.centre for each in inputs.views])
    origins = ((centres - band.origin) / band.voxel).astype(np.float32)[view]
    way = places[point] - origins
    far = np.linalg.norm(way, axis=1)
    out = empty_outcome(len(way))
    rays = Rays(origins, way / far[:, None], np.zeros(len(way), np.float32))
    fused.render(band.field(sharpness), rays, out)
    seen = np.zeros(len(places), dtype=bool)
    seen[point[far <= out.depth + HIDDEN]] = True
    return seen
