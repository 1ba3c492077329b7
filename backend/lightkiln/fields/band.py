# SPDX-License-Identifier: GPL-3.0-or-later
"""A radiance field in a narrow band about a surface: signed distance and colour on sparse bricks.

The band is what is refined; `ops.bricks.BrickGrid` is what comes in and goes out. Distances are in
voxels here and in metres there. It must not know photographs or losses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.bricks import BRICK, BrickGrid
from lightkiln.ops.kernels import brick_redistance
from lightkiln.ops.kernels.arrays import POINTS, ROW, TERMS, Field

GREY = 0.5
"""Colour of a point that no photograph has reached, sRGB value."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """A field that can be refined: the arrays change, their shapes do not."""

    origin: NDArray[Any]
    """(3,) float64: where lattice point (0, 0, 0) lies, metres."""
    voxel: float
    """Metres."""
    table: NDArray[Any]
    """(A, B, C) int32: slot of each brick, or -1."""
    near: NDArray[Any]
    """(slots, 27) int64: slots of a brick's neighbours and its own, z fastest, or -1."""
    distance: NDArray[Any]
    """(points,) float32, voxels, negative inside."""
    color: NDArray[Any]
    """(points, 12) float32: spherical harmonics of red, green, blue; sRGB values."""
    anchor: NDArray[Any]
    """(points,) float32: the distance that stereo measured, voxels."""
    trust: NDArray[Any]
    """(points,) float32 in [0, 1]: how sure stereo is of it."""

    def field(self, sharpness: float) -> Field:
        """What the kernels read; the arrays are shared."""
        return Field(self.table, self.distance, self.color, sharpness)


def neighbours(table: NDArray[Any]) -> NDArray[Any]:
    """Slots (slots, 27) int64 of the bricks around each brick, -1 where none is stored."""
    padded = np.pad(table, 1, constant_values=-1).astype(np.int64)
    a, b, c = table.shape
    shifted = [
        padded[i : i + a, j : j + b, k : k + c]
        for i in range(3)
        for j in range(3)
        for k in range(3)
    ]
    stored = table >= 0
    near = np.stack([values[stored] for values in shifted], axis=-1)
    return np.ascontiguousarray(near[np.argsort(table[stored])])


def table_of(stored: NDArray[Any]) -> NDArray[Any]:
    """Number the stored bricks (A, B, C) bool: a table int32."""
    table = np.full(stored.shape, -1, dtype=np.int32)
    table[stored] = np.arange(int(stored.sum()), dtype=np.int32)
    return table


def lattice_points(table: NDArray[Any]) -> NDArray[Any]:
    """(points, 3) float32: where the stored points stand, lattice units."""
    stored = table >= 0
    corner = np.argwhere(stored)[np.argsort(table[stored])] * BRICK
    inside = np.stack(np.unravel_index(np.arange(POINTS), (BRICK,) * 3), axis=-1)
    return np.asarray((corner[:, None] + inside).reshape(-1, 3), dtype=np.float32)


def redistanced(distance: NDArray[Any], near: NDArray[Any], rounds: int) -> NDArray[Any]:
    """The distances (points,) made true outwards from the zero set, `rounds` voxels far.

    NaN is taken as unknown and filled. A value beyond reach keeps its sign and becomes `rounds`,
    or stays NaN if it was unknown.
    """
    start, fixed = np.empty_like(distance), np.empty(distance.shape, dtype=np.bool_)
    brick_redistance.freeze(distance, near, start, fixed)
    other = np.empty_like(start)
    for _ in range(rounds):
        brick_redistance.relax(start, fixed, near, other)
        start, other = other, start
    far = np.abs(start) >= brick_redistance.UNKNOWN
    start[far] = np.copysign(np.float32(rounds), start[far])
    return start


def from_grid(grid: BrickGrid) -> Band:
    """A grey band from a signed distance with confidence (channels 0 and 1), metres."""
    distance = np.ascontiguousarray(grid.values[..., 0].reshape(-1) / grid.voxel, np.float32)
    color = np.zeros((distance.size, ROW), dtype=np.float32)
    color[:, ::TERMS] = GREY
    return Band(
        origin=grid.origin,
        voxel=grid.voxel,
        table=grid.table,
        near=neighbours(grid.table),
        distance=distance,
        color=color,
        anchor=distance.copy(),
        trust=np.ascontiguousarray(grid.values[..., 1].reshape(-1)),
    )


def to_grid(band: Band) -> BrickGrid:
    """The signed distance alone (channel 0), metres."""
    values = (band.distance * np.float32(band.voxel)).reshape(-1, BRICK, BRICK, BRICK, 1)
    return BrickGrid(origin=band.origin, voxel=band.voxel, table=band.table, values=values)
