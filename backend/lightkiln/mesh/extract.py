# SPDX-License-Identifier: GPL-3.0-or-later
"""From signed distances on bricks to a triangle mesh: their zero level set.

Marching cubes (topologically consistent: Lewiner et al. 2003) runs over the box that the stored
bricks fill, through the cells with eight stored corners only; so bricks join without cracks and a
surface that leaves the band ends in an open edge. Vertices lie on lattice edges where the trilinear
field is zero, hence a Newton step in the same field would not move them.

Memory: 5 bytes for each lattice point in that box, 0.3 GB at 384³; larger boxes go in blocks.
It must not know where the field comes from.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from lightkiln.ops.bricks import BRICK, BrickGrid, to_dense

BLOCK = 64
"""Bricks along the edge of what is extracted at once: 512 lattice steps, 0.7 GB."""


def extract(grid: BrickGrid, channel: int = 0, block: int = BLOCK) -> TriangleMesh:
    """The zero level set of a channel that is negative inside; welded, seen from outside.

    Normals follow the field's gradient. Without a change of sign in a whole cell the mesh is empty.
    Boxes of more than `block` bricks along an axis are worked through in blocks of that size.
    """
    stored = np.argwhere(grid.table >= 0)
    if len(stored) == 0:
        return _empty()
    low, high = stored.min(axis=0), stored.max(axis=0) + 1
    corners = itertools.product(*(range(low[i], high[i], block) for i in range(3)))
    mesh = _welded([_block(grid, channel, np.array(corner), block) for corner in corners])
    positions = grid.origin + grid.voxel * mesh.positions
    return TriangleMesh(
        positions=positions.astype(np.float32), triangles=mesh.triangles, normals=mesh.normals
    )


def _block(grid: BrickGrid, channel: int, corner: NDArray[Any], block: int) -> TriangleMesh:
    """The part through the cells of some bricks; positions float64, lattice steps of the grid.

    A block shares the samples on its faces with its neighbours: their vertices there are the same.
    """
    part = BrickGrid(
        origin=grid.origin,
        voxel=grid.voxel,
        table=grid.table[tuple(slice(start, start + block + 1) for start in corner)],
        values=grid.values[..., channel : channel + 1],
    )
    if not (part.table >= 0).any():
        return _empty()
    size = BRICK * block + 1
    distance = to_dense(part, fill=np.nan)[:size, :size, :size, 0]
    mesh = extract_dense(distance, whole_cells(np.isfinite(distance)))
    # Sums of integers and of single-precision numbers below `size`: exact in double precision.
    return replace(mesh, positions=mesh.positions.astype(np.float64) + BRICK * corner)


def _welded(parts: Sequence[TriangleMesh]) -> TriangleMesh:
    """One mesh; vertices at the same place in two parts become one."""
    if len(parts) == 1:
        return parts[0]
    starts = np.cumsum([0, *(len(part.positions) for part in parts)])
    positions = np.concatenate([part.positions for part in parts])
    triangles = np.concatenate(
        [part.triangles + start for part, start in zip(parts, starts, strict=False)]
    )
    normals = np.concatenate([part.normals for part in parts if part.normals is not None])
    # Within a part, vertices at one place stay apart, as marching cubes made them.
    part_of = np.repeat(np.arange(len(parts)), np.diff(starts))
    order = np.lexsort((part_of, *positions.T))
    same = (positions[order][1:] == positions[order][:-1]).all(axis=1)
    same &= part_of[order][1:] != part_of[order][:-1]
    first = np.maximum.accumulate(np.where(np.r_[False, same], 0, np.arange(len(order))))
    chosen = np.empty(len(order), dtype=np.int64)
    chosen[order] = order[first]
    kept = chosen == np.arange(len(order))
    index = np.cumsum(kept) - 1
    return TriangleMesh(
        positions=positions[kept],
        triangles=index[chosen][triangles].astype(np.int32),
        normals=normals[kept],
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
