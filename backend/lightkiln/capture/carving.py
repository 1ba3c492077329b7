# SPDX-License-Identifier: GPL-3.0-or-later
"""The hull of masks on a coarse lattice, good enough to put a box about it.

A point is carved away when a view sees it outside its mask (Laurentini's visual hull). Masks can be
wrong: a view that would carve away much of what nearly all others keep is not asked, and a few of
many views may be outvoted. It must not know regions, files or methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray
from scipy.ndimage import label

LATTICE = 40
"""Points along each edge of the box that is looked at."""
MASK_SIDE = 160
"""Masks are shrunk to about this many pixels."""
BAD_MASKS = 0.05
"""The part of the views whose masks may be wrong."""
DISAGREEMENT = 0.5
"""A mask is wrong if it lacks this part of what nearly all others agree upon; a right one lacks
a twentieth on average, because each point lost was outvoted by so many."""

SPECK = 0.03
"""A part of the hull that is smaller than this, of the largest part, is none."""


class ShrunkMask:
    """A mask shrunk by maximum, so that thin parts stay, and its camera (a pinhole)."""

    def __init__(self, camera: Camera, mask: NDArray[Any]) -> None:
        self.camera = camera
        self.step = step = max(1, max(mask.shape) // MASK_SIDE)
        rows, columns = (-(-side // step) for side in mask.shape)
        padded = np.zeros((rows * step, columns * step), dtype=bool)
        padded[: mask.shape[0], : mask.shape[1]] = mask > 0.5
        self.pixels = np.asarray(padded.reshape(rows, step, columns, step).any(axis=(1, 3)))
        row, column = (step * (index + 0.5) for index in np.nonzero(self.pixels))
        (fx, fy), (cx, cy) = camera.focal, camera.principal_point
        x, y = (column - cx) / fx, (row - cy) / fy
        middle = np.array([(x.min() + x.max()) / 2.0, (y.min() + y.max()) / 2.0, 1.0])
        self.middle: FloatArray = camera.world_from_camera[:3, :3] @ middle
        """Direction (3,) to the middle of the object, world axes."""
        far = np.hypot(x - middle[0], y - middle[1]).max()
        self.reach = float(far / np.linalg.norm(middle))
        """How far the object reaches from there, in parts of its distance."""

    def look_up(self, axes: FloatArray) -> tuple[NDArray[Any], NDArray[Any]]:
        """For every point (i, j, k) of the lattice with coordinates `axes` (3, n): is it in the
        image, and is it there off the mask?

        P (x, y, z, 1) is a sum of terms of one coordinate each, so projecting costs two additions.
        """
        projection = self.camera.intrinsics @ self.camera.camera_from_world[:3]
        x, y, z = projection[:, :3].T[:, :, None] * axes[:, None, :]
        sums = (
            x[:, :, None, None] + y[:, None, :, None] + (z + projection[:, 3:])[:, None, None, :]
        ).astype(np.float32)
        depth = np.where(sums[2] > 0.0, sums[2], np.inf)  # behind the camera: pixel 0, not seen
        column, row = sums[0] / depth, sums[1] / depth
        seen = (depth < np.inf) & (column > 0.0) & (column < self.camera.width)
        seen &= (row > 0.0) & (row < self.camera.height)
        row_index, column_index = (
            (np.where(seen, place, 0.0) // self.step).astype(np.intp) for place in (row, column)
        )
        return seen, seen & ~self.pixels[row_index, column_index]


def carved_box(
    masks: Sequence[ShrunkMask], low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bounds of the hull inside given bounds, a cell of the lattice wider on each side.

    Raises `InvalidScene` if nothing is left.
    """
    cell = (high - low) / LATTICE
    axes = low[:, None] + cell[:, None] * (np.arange(LATTICE) + 0.5)
    looks = [mask.look_up(axes) for mask in masks]
    hull = _hull(np.stack([seen for seen, _ in looks]), np.stack([off for _, off in looks]))
    where = np.argwhere(_without_specks(hull))
    if len(where) == 0:
        raise InvalidScene(
            "The masks have no place in common, so the object cannot be found.",
            hint="Check that masks and poses belong together, or draw a region.",
        )
    return (
        np.maximum(low, low + (where.min(axis=0) - 1) * cell),
        np.minimum(high, low + (where.max(axis=0) + 2) * cell),
    )


def _hull(seen: NDArray[Any], outside: NDArray[Any]) -> NDArray[Any]:
    """The points that remain, from what each view says of them, (views, X, Y, Z) bool each."""
    num_views = len(seen)
    enough = seen.sum(axis=0) >= max(3, num_views // 3)
    consensus = enough & (outside.sum(axis=0) <= round(BAD_MASKS * num_views))
    lacks = (outside & consensus).sum(axis=(1, 2, 3))
    trusted = outside[lacks < DISAGREEMENT * max(1, consensus.sum())]
    return np.asarray(enough & (trusted.sum(axis=0) <= int(BAD_MASKS * num_views)))


def _without_specks(hull: NDArray[Any]) -> NDArray[Any]:
    """Drop small parts: cones also meet where nothing stands, mostly where few views look."""
    parts, num_parts = label(hull, structure=np.ones((3, 3, 3)))
    if num_parts == 0:
        return hull
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray((sizes > SPECK * sizes.max())[parts])
