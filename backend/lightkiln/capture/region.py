# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the part of space to reconstruct when nobody has drawn it.

With masks: a coarse lattice is carved (a point goes when more views than the few that may be
wrong see it outside their mask; Laurentini's visual hull) and boxed. Without: the ball about the
point closest to all optical axes, argmin_p sum_i |(I - d_i d_i^T)(p - c_i)|², that most cameras
see whole.
It must not know files or methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, FloatArray
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray
from scipy.ndimage import label

from .inputs import LoadedView

MARGIN = 0.05
"""Added on each side of the box, as a part of its size."""
BAD_MASKS = 0.05
"""The part of the views whose masks may be wrong."""
WHOLE_VIEWS = 0.8
"""The part of the cameras that see the ball whole."""
LATTICE = 40
COARSE_MASK = 160  # pixels: masks are shrunk by maximum to about this, so that thin parts stay


def fit_region(views: Sequence[LoadedView]) -> Region:
    """Fit to the masks if every view has one, otherwise to the cameras.

    Raises `InvalidScene` if the masks or the cameras have no place in common.
    """
    cameras = [view.camera for view in views]
    if any(view.mask is None for view in views):
        return fit_to_cameras(cameras)
    return fit_to_masks(cameras, [view.mask for view in views if view.mask is not None])


def fit_to_cameras(cameras: Sequence[Camera]) -> Region:
    """The ball that most cameras see whole."""
    axes = np.stack([camera.world_from_camera[:3, 2] for camera in cameras])
    centre = closest_point(np.stack([camera.centre for camera in cameras]), axes)
    clear = [_clearance(camera, centre) for camera in cameras]
    radius = float(np.quantile(clear, 1.0 - WHOLE_VIEWS))
    if not radius > 0.0:
        raise InvalidScene(
            "The cameras do not look at a common place, so no region can be found for them.",
            hint="Draw a region, or select only the cameras that look at the object.",
        )
    return _region(RegionShape.SPHERE, centre, np.full(3, radius))


def fit_to_masks(cameras: Sequence[Camera], masks: Sequence[NDArray[Any]]) -> Region:
    """The box about what the masks' cones have in common, world axes."""
    coarse = [_shrunk(mask) for mask in masks]
    rays = [_mask_ray(camera, mask) for camera, mask in zip(cameras, coarse, strict=True)]
    centre = closest_point(
        np.stack([camera.centre for camera in cameras]), np.stack([ray for ray, _ in rays])
    )
    reach = [
        spread * np.linalg.norm(centre - camera.centre)
        for camera, (_, spread) in zip(cameras, rays, strict=True)
    ]
    half = np.full(3, 1.5 * float(np.quantile(reach, WHOLE_VIEWS)))  # room for an elongated object
    for _ in range(3):  # each pass looks closer at the box that the last one found
        low, high = _carved_box(cameras, coarse, centre - half, centre + half)
        centre, half = (low + high) / 2.0, (high - low) / 2.0
    return _region(RegionShape.BOX, centre, half * (1.0 + 2.0 * MARGIN))


def closest_point(origins: FloatArray, directions: FloatArray) -> FloatArray:
    """The point (3,) with the least sum of squared distances to the lines (N, 3) + t (N, 3)."""
    unit = directions / np.linalg.norm(directions, axis=-1, keepdims=True)
    across = np.eye(3) - unit[:, :, None] * unit[:, None, :]
    normal, right = across.sum(axis=0), np.einsum("nij,nj->i", across, origins)
    # Parallel lines leave the point free along them; least squares then takes the smallest.
    return np.asarray(np.linalg.lstsq(normal, right, rcond=1e-9)[0])


def _clearance(camera: Camera, point: FloatArray) -> float:
    """Radius of the largest ball about a point that stays inside a pinhole's view; may be < 0."""
    matrix = camera.camera_from_world
    x, y, z = matrix[:3, :3] @ point + matrix[:3, 3]
    (fx, fy), (cx, cy) = camera.focal, camera.principal_point
    left, right = fx * x + cx * z, (camera.width - cx) * z - fx * x
    top, bottom = fy * y + cy * z, (camera.height - cy) * z - fy * y
    return float(
        min(
            left / np.hypot(fx, cx),
            right / np.hypot(fx, camera.width - cx),
            top / np.hypot(fy, cy),
            bottom / np.hypot(fy, camera.height - cy),
        )
    )


def _mask_ray(camera: Camera, mask: NDArray[Any]) -> tuple[FloatArray, float]:
    """Unit direction, world axes, to a shrunk mask's middle, and the tangent of its reach."""
    rows, columns = (_step(camera.width, camera.height) * (i + 0.5) for i in np.nonzero(mask))
    (fx, fy), (cx, cy) = camera.focal, camera.principal_point
    x, y = (columns - cx) / fx, (rows - cy) / fy
    middle = np.array([(x.min() + x.max()) / 2.0, (y.min() + y.max()) / 2.0, 1.0])
    reach = float(np.hypot(x - middle[0], y - middle[1]).max())
    length = float(np.linalg.norm(middle))
    return camera.world_from_camera[:3, :3] @ middle / length, reach / length


def _step(*sides: int) -> int:
    """Pixels of a mask that become one when it is shrunk."""
    return max(1, max(sides) // COARSE_MASK)


def _shrunk(mask: NDArray[Any]) -> NDArray[Any]:
    """Maximum over blocks, so that nothing of the object is lost."""
    step = _step(*mask.shape)
    rows, columns = (-(-side // step) * step for side in mask.shape)
    padded = np.zeros((rows, columns), dtype=bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask > 0.5
    return np.asarray(padded.reshape(rows // step, step, columns // step, step).any(axis=(1, 3)))


def _carved_box(
    cameras: Sequence[Camera], masks: Sequence[NDArray[Any]], low: FloatArray, high: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Bounds of the hull inside given bounds, a cell of the lattice wider on each side."""
    cell = (high - low) / LATTICE
    axes = low[:, None] + cell[:, None] * (np.arange(LATTICE) + 0.5)
    num_seen = np.zeros((LATTICE,) * 3, dtype=np.int32)
    num_outside = np.zeros_like(num_seen)
    for camera, mask in zip(cameras, masks, strict=True):
        seen, inside = _look_up(camera, mask, axes)
        num_seen += seen
        num_outside += seen & ~inside
    tolerated = round(BAD_MASKS * len(cameras))
    hull = (num_outside <= tolerated) & (num_seen >= max(3, len(cameras) // 3))
    kept = _without_specks(hull)
    if not kept.any():
        raise InvalidScene(
            "The masks have no place in common, so the object cannot be found.",
            hint="Check that masks and poses belong together, or draw a region.",
        )
    where = np.argwhere(kept)
    return (
        np.maximum(low, low + (where.min(axis=0) - 1) * cell),
        np.minimum(high, low + (where.max(axis=0) + 2) * cell),
    )


def _look_up(
    camera: Camera, mask: NDArray[Any], axes: FloatArray
) -> tuple[NDArray[Any], NDArray[Any]]:
    """For each point (i, j, k) of the lattice with the given coordinates (3, n): is it in the
    pinhole's image, and is it on the shrunk mask there?

    P (x, y, z, 1) is a sum of terms of one coordinate each, so a projection costs two additions.
    """
    step = _step(camera.width, camera.height)
    projection = camera.intrinsics @ camera.camera_from_world[:3]
    x, y, z = projection[:, :3].T[:, :, None] * axes[:, None, :]
    sums = (
        x[:, :, None, None] + y[:, None, :, None] + (z + projection[:, 3:])[:, None, None, :]
    ).astype(np.float32)
    depth = np.where(sums[2] > 0.0, sums[2], np.inf)  # behind the camera: pixel 0, and not seen
    column, row = sums[0] / depth, sums[1] / depth
    seen = (depth < np.inf) & (column > 0.0) & (column < camera.width)
    seen &= (row > 0.0) & (row < camera.height)
    index = (np.where(seen, row, 0.0) // step * mask.shape[1]) + np.where(seen, column, 0.0) // step
    return seen, mask.ravel()[index.astype(np.intp)]


def _without_specks(hull: NDArray[Any]) -> NDArray[Any]:
    """Drop parts below a hundredth of the largest: cones also meet where nothing stands."""
    parts, num_parts = label(hull, structure=np.ones((3, 3, 3)))
    if num_parts == 0:
        return hull
    sizes = np.bincount(parts.ravel())
    sizes[0] = 0
    return np.asarray((sizes > 0.01 * sizes.max())[parts])


def _region(shape: RegionShape, centre: FloatArray, half: FloatArray) -> Region:
    matrix = np.diag([*half, 1.0])
    matrix[:3, 3] = centre
    return Region(shape=shape, world_from_region=matrix)
