# SPDX-License-Identifier: GPL-3.0-or-later
"""The visual hull as a signed distance: what the silhouettes allow.

Masks become signed distances in their images first, to a fraction of a pixel, so that the hull's
surface is smooth and not made of voxels. First coarse, to find where the object is, then fine in
that box. The hull: Laurentini, "The visual hull concept for silhouette-based image understanding",
PAMI 1994.

Masks are made by people and programs, and one that lacks a handle would cut it off the hull. So k
views may be wrong about a point, and k is the least with which the hull fills the masks again.
It must not know depth maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.camera import scaled
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.scene import Region
from numpy.typing import NDArray
from scipy import ndimage

from lightkiln.ops.kernels import stereo_hull
from lightkiln.ops.kernels.redistance import redistance

from . import lattice as lattices
from .lattice import Lattice
from .trace import entry_depth
from .views import GreyView, indices_from_world, resized

COARSE_RESOLUTION = 64
MARGIN = 6.0
"""Voxels of free space about the hull: the band of the signed distance and a little more."""
PARDONED_SHARE = 0.1
"""Of the views may be wrong about a point, at most."""
UNFILLED = 0.005
"""Of the masks' area may be left unfilled by the hull: their edges' own uncertainty."""
SILHOUETTE_SIDE = 128
"""Pixels, to compare the hull with masks."""
MASK_BAND = 40.0
"""Pixels: more than the coarse lattice's voxels ever span."""
MIN_VIEWS = 2
SEEN_SHARE = 0.25
"""A point that fewer views see, absolutely or of the most that see any point, is no part of the
hull: two cones alone meet far behind the object too."""
SPECK_SHARE = 0.02
"""Of the largest part's volume: smaller parts are such meetings of cones, and no object."""


def enclose(
    views: Sequence[GreyView], region: Region, resolution: int
) -> tuple[Lattice, NDArray[Any]]:
    """A lattice with `resolution` voxels along the hull's longest side, and the hull on it.

    The hull is a signed distance (X, Y, Z) float32, metres, negative inside, true in a band of 12
    voxels. Every view must have a mask. Raises `NothingReconstructed` where no point of the region
    is within all silhouettes.
    """
    hull = _Coarse.of(views, region)
    fine = lattices.around(*_occupied_box(hull.lattice, hull.function), resolution, MARGIN)
    return fine, hull.sharpened(fine)


def within(views: Sequence[GreyView], region: Region, lattice: Lattice) -> NDArray[Any]:
    """The hull as `enclose` gives it, on a lattice that is already there."""
    return _Coarse.of(views, region).sharpened(lattice)


@dataclass(frozen=True, slots=True, eq=False)
class _Coarse:
    """A hull of few voxels, and what it was cut from."""

    cones: Cones
    rank: int
    """So many views may be wrong."""
    lattice: Lattice
    function: NDArray[Any]

    @staticmethod
    def of(views: Sequence[GreyView], region: Region) -> _Coarse:
        cones = Cones.of(views, region)
        first = lattices.around(*lattices.bounds(region), COARSE_RESOLUTION)
        box = _occupied_box(first, cones.functions(first, np.ones(first.shape, dtype=bool))[-1])
        coarse = lattices.around(*box, COARSE_RESOLUTION, MARGIN / 2)
        functions = cones.functions(coarse, np.ones(coarse.shape, dtype=bool))
        rank = _least_that_fills(views, coarse, functions)
        return _Coarse(cones, rank, coarse, functions[rank])

    def sharpened(self, fine: Lattice) -> NDArray[Any]:
        """The hull on a finer lattice, as a true distance."""
        guess = _nearest(self.function, self.lattice, fine)
        # The function changes by about a metre in a metre, and the nearest coarse point is at most
        # 0.87 coarse voxels away: beyond that the sign is sure.
        near = np.abs(guess) < 1.3 * self.lattice.voxel
        sharp = self.cones.functions(fine, near, self.rank + 1)[self.rank]
        function = np.where(near, sharp, guess)
        return redistance(_without_specks(function, fine.voxel), fine.voxel)


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

    def functions(
        self, lattice: Lattice, active: NDArray[Any], num_ranks: int | None = None
    ) -> NDArray[Any]:
        """Functions (ranks, X, Y, Z) float32, metres, where `active`; else infinite.

        The zero level of rank k is the hull in which k views may be wrong about a point; without
        `num_ranks`, as many as may ever be.
        """
        points = lattice.origin + lattice.voxel * np.argwhere(active)
        if num_ranks is None:
            num_ranks = 1 + int(PARDONED_SHARE * len(self.edges))
        worst, num_seen = stereo_hull.carve(
            self.edges, self.indices_from_world, self.focals, points.astype(np.float32), num_ranks
        )
        out = np.full((num_ranks, *lattice.shape), np.inf, dtype=np.float32)
        least = max(min(MIN_VIEWS, len(self.edges)), SEEN_SHARE * num_seen.max(initial=0))
        # A voxel, not infinity: rays that are traced step by these values.
        out[:, active] = np.where(num_seen >= least, worst, lattice.voxel)
        return np.asarray(np.maximum(out, lattices.region_distance(self.region, lattice)))


def mask_distance(mask: NDArray[Any]) -> NDArray[Any]:
    """Signed distance (H, W) float32, pixels, negative on the object, of a mask (H, W) in [0, 1].

    The edge is where the mask, interpolated, is 0.5; no value is larger than `MASK_BAND`.
    """
    level = np.ascontiguousarray(0.5 - mask[None], dtype=np.float32)
    return np.asarray(redistance(level, 1.0, band=MASK_BAND)[0])


def _least_that_fills(views: Sequence[GreyView], lattice: Lattice, functions: NDArray[Any]) -> int:
    """The least rank whose hull fills the masks: see this file's head."""
    for rank, function in enumerate(functions):
        if _unfilled(views, lattice, function) <= UNFILLED:
            return rank
    return len(functions) - 1


def _unfilled(views: Sequence[GreyView], lattice: Lattice, function: NDArray[Any]) -> float:
    """The part of all masks' area whose rays miss the hull, made half a voxel larger."""
    missed, area = 0.0, 0.0
    for view in views:
        assert view.mask is not None  # the promise of `enclose`
        shrink = min(1.0, SILHOUETTE_SIDE / max(view.mask.shape))
        height, width = (max(round(side * shrink), 1) for side in view.mask.shape)
        inside = resized(view.mask, width, height) > 0.75
        camera = scaled(view.camera, width, height)
        entry = entry_depth(function - 0.5 * lattice.voxel, lattice, camera)
        missed += float((inside & (entry <= 0.0)).sum())
        area += float(inside.sum())
    return missed / max(area, 1.0)


def _occupied_box(lattice: Lattice, function: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """The box of the hull's inside, a voxel larger."""
    occupied = np.argwhere(function < 0.5 * lattice.voxel)
    if not len(occupied):
        raise NothingReconstructed(
            "No point of the region is within all masks.",
            hint="Check that the region encloses the object and that the masks fit the cameras.",
        )
    return (
        lattice.origin + lattice.voxel * (occupied.min(axis=0) - 1),
        lattice.origin + lattice.voxel * (occupied.max(axis=0) + 1),
    )


def _without_specks(function: NDArray[Any], voxel: float) -> NDArray[Any]:
    """The function with small separate parts of its inside turned into outside."""
    labels, _ = ndimage.label(function < 0.0)
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    small = sizes < SPECK_SHARE * sizes.max()
    small[0] = False
    return np.where(small[labels], np.float32(voxel), function)


def _nearest(values: NDArray[Any], coarse: Lattice, fine: Lattice) -> NDArray[Any]:
    """The value of the nearest coarse point for each fine point."""
    indices = [
        np.clip(np.rint((axis - coarse.origin[a]) / coarse.voxel).astype(int), 0, n - 1)
        for a, (axis, n) in enumerate(zip(fine.axes, coarse.shape, strict=True))
    ]
    return np.asarray(values[np.ix_(*indices)])
