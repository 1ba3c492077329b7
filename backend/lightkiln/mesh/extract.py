# SPDX-License-Identifier: GPL-3.0-or-later
"""From signed distances on bricks to a triangle mesh: their zero level set.

Marching cubes (topologically consistent: Lewiner et al. 2003) runs over the box that the stored
bricks fill, through the cells with eight stored corners only; so bricks join without cracks and a
surface that leaves the band ends in an open edge. Vertices lie on lattice edges where the trilinear
field is zero, hence a Newton step in the same field would not move them.

Memory: 5 bytes for each lattice point in that box, 0.3 GB at 384³.
It must not know where the field comes from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from lightkiln.ops.bricks import BRICK, BrickGrid, to_dense


def extract(grid: BrickGrid, channel: int = 0) -> TriangleMesh:
    """The zero level set of a channel that is negative inside; welded, seen from outside.

    Normals follow the field's gradient. Without a change of sign in a whole cell the mesh is empty.
    """
    stored = np.argwhere(grid.table >= 0)
    if len(stored) == 0:
        return _empty()
    low, high = stored.min(axis=0), stored.max(axis=0) + 1
    cropped = BrickGrid(
        origin=grid.origin + grid.voxel * BRICK * low,
        voxel=grid.voxel,
        table=grid.table[tuple(map(slice, low, high))],
        values=grid.values[..., channel : channel + 1],
    )
    distance = to_dense(cropped, fill=np.nan)[..., 0]
    mesh = extract_dense(distance, whole_cells(np.isfinite(distance)))
    positions = cropped.origin + cropped.voxel * mesh.positions.astype(np.float64)
    return TriangleMesh(
        positions=positions.astype(np.float32), triangles=mesh.triangles, normals=mesh.normals
    )


def extract_dense(
    distance: Float[NDArray[Any], "X Y Z"], cells: Bool[NDArray[Any], "X-1 Y-1 Z-1"]
) -> TriangleMesh:
    """The same for a dense array, through the given cells only; positions count lattice steps."""
    crossing = cells & _changes_sign(distance)
    if not crossing.any():
        return _empty()
    # scikit-image asks for the mask at the far corner of each cell.
    mask = np.zeros(distance.shape, dtype=bool)
    mask[1:, 1:, 1:] = crossing
    known = np.nan_to_num(distance, copy=False, nan=np.inf)
    vertices, triangles, normals, _ = marching_cubes(known, 0.0, mask=mask)
    return TriangleMesh(
        positions=np.asarray(vertices, dtype=np.float32),
        triangles=np.asarray(triangles, dtype=np.int32),
        normals=-np.asarray(normals, dtype=np.float32),  # theirs point to lower values
    )


def whole_cells(stored: Bool[NDArray[Any], "X Y Z"]) -> Bool[NDArray[Any], "X-1 Y-1 Z-1"]:
    """Cells all of whose eight corners are stored."""
    for axis in range(3):
        stored = np.logical_and(*_neighbours(stored, axis))
    return stored


def _changes_sign(distance: NDArray[Any]) -> NDArray[Any]:
    """Cells with a corner inside and a corner outside; zero is inside, as in scikit-image."""
    some_inside = every_inside = distance <= 0.0
    for axis in range(3):
        some_inside = np.logical_or(*_neighbours(some_inside, axis))
        every_inside = np.logical_and(*_neighbours(every_inside, axis))
    return np.asarray(some_inside & ~every_inside)


def _neighbours(values: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
    here, there = [slice(None)] * 3, [slice(None)] * 3
    here[axis], there[axis] = slice(None, -1), slice(1, None)
    return values[tuple(here)], values[tuple(there)]


def _empty() -> TriangleMesh:
    nothing = np.zeros((0, 3), dtype=np.float32)
    return TriangleMesh(
        positions=nothing, triangles=np.zeros((0, 3), dtype=np.int32), normals=nothing
    )
