# SPDX-License-Identifier: GPL-3.0-or-later
"""Where signed distances are sampled: an axis-parallel lattice about a region of the world.

Lattice point (i, j, k) lies at origin + voxel * (i, j, k), as in `ops.bricks`.
It must not know images.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lattice:
    """A lattice of points in the world, metres."""

    origin: NDArray[Any]
    """(3,) float64: where point (0, 0, 0) lies."""
    voxel: float
    """Distance between neighbours."""
    shape: tuple[int, int, int]
    """Points along each axis."""

    @property
    def axes(self) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """The coordinates of the points along x, y and z, each (n,) float64."""
        x, y, z = (self.origin[a] + self.voxel * np.arange(self.shape[a]) for a in range(3))
        return x, y, z


def around(low: NDArray[Any], high: NDArray[Any], resolution: int, margin: float = 0.0) -> Lattice:
    """`resolution` voxels along the box's longest side, and `margin` voxels beyond every side."""
    voxel = float((high - low).max()) / resolution
    counts = np.ceil((high - low) / voxel + 2.0 * margin).astype(int) + 1
    return Lattice(
        origin=np.asarray(low - margin * voxel, dtype=np.float64),
        voxel=voxel,
        shape=(int(counts[0]), int(counts[1]), int(counts[2])),
    )


def bounds(region: Region) -> tuple[NDArray[Any], NDArray[Any]]:
    """The lowest and highest corner (3,) of the region's axis-parallel box, metres."""
    matrix = np.asarray(region.world_from_region, dtype=np.float64)
    if region.shape is RegionShape.SPHERE:
        reach = np.linalg.norm(matrix[:3, :3], axis=1)
    else:
        reach = np.abs(matrix[:3, :3]).sum(axis=1)
    return matrix[:3, 3] - reach, matrix[:3, 3] + reach


def region_distance(region: Region, lattice: Lattice) -> NDArray[Any]:
    """Distance (X, Y, Z) float32 of the lattice's points to the region's border, negative inside.

    Exact inside a box whose axes are perpendicular and in a ball; elsewhere a bound with the right
    sign and zero level.
    """
    region_from_world = np.linalg.inv(region.world_from_region)
    scale = np.linalg.norm(region.world_from_region[:3, :3], axis=0)
    x, y, z = lattice.axes
    sum_of_squares = np.zeros(lattice.shape, dtype=np.float32)
    farthest = np.full(lattice.shape, -np.inf, dtype=np.float32)
    for axis in range(3):
        ax, ay, az, offset = region_from_world[axis]
        plane = (ax * x)[:, None, None] + (ay * y)[:, None] + (az * z + offset)
        coordinate = plane.astype(np.float32)
        sum_of_squares += coordinate**2
        np.maximum(farthest, (np.abs(coordinate) - 1.0) * scale[axis], out=farthest)
    if region.shape is RegionShape.SPHERE:
        return np.asarray((np.sqrt(sum_of_squares) - 1.0) * scale.min(), dtype=np.float32)
    return farthest
