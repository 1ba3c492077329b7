# SPDX-License-Identifier: GPL-3.0-or-later
"""The visual hull as a signed distance: what every silhouette allows.

Masks become signed distances in their images first, to a fraction of a pixel, so that the hull's
surface is smooth and not made of voxels. First coarse, to find where the object is, then fine in
that box. The hull: Laurentini, "The visual hull concept for silhouette-based image understanding",
PAMI 1994. It must not know depth maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.scene import Region
from numpy.typing import NDArray

from lightkiln.ops.kernels import stereo_hull
from lightkiln.ops.kernels.redistance import redistance

from . import lattice as lattices
from .lattice import Lattice
from .views import GreyView, indices_from_world

COARSE_RESOLUTION = 64
FINE_FROM_COARSE = 4
MARGIN = 6.0
"""Voxels of free space about the hull: the band of the signed distance and a little more."""
PARDON_FROM = 12
"""With as many views, one may be wrong about a point: a single bad mask must not cut the object."""
MASK_BAND = 40.0
"""Pixels: more than the coarse lattice's voxels ever span."""
MIN_VIEWS = 2
"""A point that fewer views see is no part of the hull."""


def enclose(
    views: Sequence[GreyView], region: Region, resolution: int
) -> tuple[Lattice, NDArray[Any]]:
    """A lattice with `resolution` voxels along the hull's longest side, and the hull on it.

    The hull is a signed distance (X, Y, Z) float32, metres, negative inside, true in a band of 12
    voxels. Every view must have a mask. Raises `NothingReconstructed` where no point of the region
    is within all silhouettes.
    """
    cones = Cones.of(views, region)
    low, high = _occupied_box(cones, *lattices.bounds(region))
    fine = lattices.around(low, high, resolution, MARGIN)
    coarse = lattices.around(low, high, max(resolution // FINE_FROM_COARSE, 16), MARGIN / 2)
    guess = _nearest(cones.function(coarse, np.ones(coarse.shape, dtype=bool)), coarse, fine)
    # The function changes by about a metre in a metre, and the nearest coarse point is at most
    # 0.87 coarse voxels away: beyond that the sign is sure.
    near = np.abs(guess) < 1.3 * coarse.voxel
    function = np.where(near, cones.function(fine, near), guess)
    return fine, redistance(function, fine.voxel)


@dataclass(frozen=True, slots=True, eq=False)
class Cones:
    """The silhouettes of all views, and the region, which cuts like one more."""

    edges: list[NDArray[Any]]
    """The masks' signed distances, each (H, W) float32, pixels."""
    indices_from_world: NDArray[Any]
    """(V, 3, 4) float64."""
    focals: NDArray[Any]
    """(V,) float64, pixels."""
    region: Region

    @staticmethod
    def of(views: Sequence[GreyView], region: Region) -> Cones:
        """Prepare the masks of all views."""
        return Cones(
            [mask_distance(view.mask) for view in views if view.mask is not None],
            np.stack([indices_from_world(view.camera) for view in views]),
            np.array([view.camera.focal[0] for view in views]),
            region,
        )

    def function(self, lattice: Lattice, active: NDArray[Any]) -> NDArray[Any]:
        """A function (X, Y, Z) float32, metres, whose zero level is the hull, where `active`."""
        points = lattice.origin + lattice.voxel * np.argwhere(active)
        out = np.full(lattice.shape, np.inf, dtype=np.float32)
        out[active] = stereo_hull.carve(
            self.edges,
            self.indices_from_world,
            self.focals,
            points.astype(np.float32),
            pardoned=1 if len(self.edges) >= PARDON_FROM else 0,
            min_views=min(MIN_VIEWS, len(self.edges)),
        )
        return np.asarray(np.maximum(out, lattices.region_distance(self.region, lattice)))


def _occupied_box(
    cones: Cones, low: NDArray[Any], high: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The box of the hull, a voxel of a coarse lattice larger, within `low` and `high`."""
    coarse = lattices.around(low, high, COARSE_RESOLUTION)
    occupied = np.argwhere(
        cones.function(coarse, np.ones(coarse.shape, dtype=bool)) < 0.5 * coarse.voxel
    )
    if not len(occupied):
        raise NothingReconstructed(
            "No point of the region is within all masks.",
            hint="Check that the region encloses the object and that the masks fit the cameras.",
        )
    return (
        np.maximum(coarse.origin + coarse.voxel * (occupied.min(axis=0) - 1), low),
        np.minimum(coarse.origin + coarse.voxel * (occupied.max(axis=0) + 1), high),
    )


def _nearest(values: NDArray[Any], coarse: Lattice, fine: Lattice) -> NDArray[Any]:
    """The value of the nearest coarse point for each fine point."""
    indices = [
        np.clip(np.rint((axis - coarse.origin[a]) / coarse.voxel).astype(int), 0, n - 1)
        for a, (axis, n) in enumerate(zip(fine.axes, coarse.shape, strict=True))
    ]
    return np.asarray(values[np.ix_(*indices)])


def mask_distance(mask: NDArray[Any]) -> NDArray[Any]:
    """Signed distance (H, W) float32, pixels, negative on the object, of a mask (H, W) in [0, 1].

    The edge is where the mask, interpolated, is 0.5; no value is larger than `MASK_BAND`.
    """
    level = np.ascontiguousarray(0.5 - mask[None], dtype=np.float32)
    return np.asarray(redistance(level, 1.0, band=MASK_BAND)[0])
