# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a camera's rays meet the zero level of a signed distance on a dense lattice (numba).

Notation: lattice coordinates q = (x - origin) / voxel, so that points are at integers; a ray is
q(z) = q0 + z e, with z the depth along the optical axis. Steps are as long as the distance at hand
(Hart, "Sphere tracing", 1996), shortened because interpolated distances are not quite distances.
It must not know what the surface is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

STEP = 0.9
"""Part of the distance that is stepped."""
LEAST_STEP = 0.2
"""Voxels: near the surface and where the values are too small for their place."""


@njit(error_model="numpy", cache=True, parallel=True)
def trace(
    distance: NDArray[Any],
    lattice_from_camera: NDArray[Any],
    camera_from_index: NDArray[Any],
    size: tuple[int, int],
    backwards: bool,
) -> NDArray[Any]:
    """Depth (H, W) float32 of the first crossing from outside to inside; 0 where there is none.

    `distance` (X, Y, Z) is in voxels; `lattice_from_camera` (3, 4) maps metres to lattice
    coordinates, `camera_from_index` (3, 3) array indices to rays with z = 1; `size` is (H, W).
    Backwards,
    rays start at the far end of the lattice: the result is the last crossing.
    """
    height, width = size
    out = np.zeros((height, width), dtype=np.float32)
    start, linear = lattice_from_camera[:, 3].copy(), lattice_from_camera[:, :3].copy()
    for row in prange(height):
        for column in range(width):
            ray = camera_from_index @ np.array([column, row, 1.0])
            step = linear @ ray
            near, far = _span(distance.shape, start, step)
            if near < far:
                if backwards:
                    out[row, column] = _march(distance, start, step, far, near)
                else:
                    out[row, column] = _march(distance, start, step, near, far)
    return out


@njit(error_model="numpy", cache=True)
def _span(shape: Any, start: NDArray[Any], step: NDArray[Any]) -> tuple[float, float]:
    """The depths between which a ray is inside the lattice; near >= far: never."""
    near, far = 0.0, np.inf
    for axis in range(3):
        last = shape[axis] - 1.001  # a cell's interior: the upper neighbour must exist
        if abs(step[axis]) < 1e-12:  # parallel to the planes: inside them always or never
            if not 0.0 <= start[axis] <= last:
                return 1.0, 0.0
        else:
            a, b = -start[axis] / step[axis], (last - start[axis]) / step[axis]
            near, far = max(near, min(a, b)), min(far, max(a, b))
    return near, far


@njit(error_model="numpy", cache=True)
def _march(
    distance: NDArray[Any], start: NDArray[Any], step: NDArray[Any], begin: float, end: float
) -> float:
    speed = np.sqrt((step * step).sum())
    sign = 1.0 if end > begin else -1.0
    z = begin
    value = sample(distance, start + z * step)
    if value < 0.0:
        return float(z)
    while sign * (end - z) > 0.0:
        last_z, last_value = z, value
        z += sign * max(STEP * value, LEAST_STEP) / speed
        if sign * (end - z) < 0.0:
            return 0.0
        value = sample(distance, start + z * step)
        if value < 0.0:
            return float(last_z + (z - last_z) * last_value / (last_value - value))
    return 0.0


@njit(error_model="numpy", cache=True)
def sample(values: NDArray[Any], point: NDArray[Any]) -> float:
    """Trilinear value at lattice coordinates (3,), clamped to the lattice."""
    i = min(max(int(point[0]), 0), values.shape[0] - 2)
    j = min(max(int(point[1]), 0), values.shape[1] - 2)
    k = min(max(int(point[2]), 0), values.shape[2] - 2)
    r, s, t = point[0] - i, point[1] - j, point[2] - k
    total = 0.0
    for di in range(2):
        for dj in range(2):
            weight = (r if di else 1.0 - r) * (s if dj else 1.0 - s)
            low, high = values[i + di, j + dj, k], values[i + di, j + dj, k + 1]
            total += weight * (low + t * (high - low))
    return float(total)
