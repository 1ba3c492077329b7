# SPDX-License-Identifier: GPL-3.0-or-later
"""A band on new bricks: finer, or moved along with its surface, and made a true distance again.

Colours are carried along the normal: a point gets the colour of the surface point nearest to it,
x - f grad f, so that what was learned on one side of the surface holds on the other.
It must not know why a band is made anew.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from lightkiln.ops.bricks import BRICK
from lightkiln.ops.kernels.arrays import TERMS
from lightkiln.ops.kernels.blocks import normals as write_normals
from lightkiln.ops.kernels.sample import WHOLE, sample

from .band import GREY, Band, lattice_points, neighbours, redistanced, table_of

REACH = 4.0
"""Voxels on either side of the surface whose bricks are stored."""
SEEKING = 6
"""Rounds of re-distancing that tell which bricks are within REACH."""
FILLING = 26
"""Rounds that fill those to their far corners: REACH, and a brick's three edges."""


def rebanded(band: Band, voxel: float) -> Band:
    """The same surface on bricks of the given voxel size (metres), where they reach it."""
    ratio = voxel / band.voxel  # old lattice units in a new one
    candidates = table_of(_candidates(band, ratio))
    points = lattice_points(candidates)
    old = _read(band.table, band.distance[:, None], points * np.float32(ratio), WHOLE)[:, 0]
    distance = redistanced(old / np.float32(ratio), neighbours(candidates), SEEKING)
    kept = (np.abs(distance) < REACH).reshape(-1, BRICK**3).any(axis=1)
    table = table_of(_of_slots(candidates, kept))
    chosen = np.repeat(kept, BRICK**3)
    near = neighbours(table)
    distance = redistanced(distance[chosen], near, FILLING)
    return _with_memory(band, voxel, table, near, distance)


def _candidates(band: Band, ratio: float) -> NDArray[Any]:
    """(A, B, C) bool: bricks of the new size that meet old ones or their neighbours."""
    stored = ndimage.binary_dilation(band.table >= 0, np.ones((3, 3, 3), dtype=bool))
    lattice = np.array(stored.shape) * BRICK - 1
    counts = np.ceil((lattice / ratio + 1) / BRICK).astype(int)
    found = np.zeros(counts, dtype=bool)
    ends = [
        [np.minimum(((np.arange(n) + end) * ratio).astype(int), size - 1) for end in (0.0, 1.0)]
        for n, size in zip(counts, stored.shape, strict=True)
    ]
    for corner in range(8):
        x, y, z = (ends[axis][(corner >> axis) & 1] for axis in range(3))
        found |= stored[np.ix_(x, y, z)]
    return found


def _of_slots(table: NDArray[Any], kept: NDArray[Any]) -> NDArray[Any]:
    stored = np.zeros(table.shape, dtype=bool)
    stored[table >= 0] = kept[table[table >= 0]]
    return stored


def _with_memory(
    band: Band, voxel: float, table: NDArray[Any], near: NDArray[Any], distance: NDArray[Any]
) -> Band:
    """Bring colours and stereo's memory over to the new bricks."""
    ratio = np.float32(voxel / band.voxel)
    points = lattice_points(table)
    memory = np.stack([band.anchor, band.trust], axis=-1)
    anchor, trust = _read(band.table, memory, points * ratio, WHOLE).T
    forgotten = np.isnan(anchor)
    color = _read(band.table, band.color, foot(points, distance, near) * ratio, 0.1)
    unseen = np.isnan(color[:, 0])
    color[unseen] = 0.0
    color[unseen, ::TERMS] = GREY
    return Band(
        origin=band.origin,
        voxel=voxel,
        table=table,
        near=near,
        distance=distance,
        color=color,
        anchor=np.where(forgotten, distance, anchor / ratio),
        trust=np.where(forgotten, np.float32(0.0), trust),
    )


def foot(points: NDArray[Any], distance: NDArray[Any], near: NDArray[Any]) -> NDArray[Any]:
    """The surface point (points, 3) nearest to each lattice point, x - f grad f, lattice units."""
    normals = np.empty((distance.size, 3), dtype=np.float32)
    write_normals(distance, near, normals)
    return np.asarray(points - distance[:, None] * normals, dtype=np.float32)


def _read(
    table: NDArray[Any], values: NDArray[Any], x: NDArray[Any], needed: float
) -> NDArray[Any]:
    out = np.empty((len(x), values.shape[1]), dtype=np.float32)
    sample(table, np.ascontiguousarray(values), x, needed, out)
    return out
