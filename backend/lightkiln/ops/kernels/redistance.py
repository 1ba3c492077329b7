# SPDX-License-Identifier: GPL-3.0-or-later
"""From any function with the right zero level to the signed distance of that level (numba).

Notation: `values` (X, Y, Z) at lattice points, negative inside. A point with a neighbour of the
other sign keeps the distance to the plane through the crossings on its axes: with crossings at
θ_x, θ_y, θ_z (linear interpolation along the edges), d = (θ_x⁻² + θ_y⁻² + θ_z⁻²)^(-1/2), exact for
a plane. All others follow from |∇d| = 1 by the fast sweeping method: Zhao, "A fast sweeping method
for Eikonal equations", Math. Comp. 74 (2005), Godunov upwind update, eight orders of sweep.
It must not know where the values come from.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray


def redistance(values: NDArray[Any], voxel: float, band: float = 12.0) -> NDArray[Any]:
    """Signed distance (X, Y, Z) float32, metres, to the zero level of `values` (X, Y, Z) float32.

    First order; exact for planes next to the surface. Farther than `band` voxels from it the
    values are ±`band` voxels, so too where nothing changes sign.
    """
    distance = crossing_distance(values)
    for order in range(8):
        sweep(distance, order, band)
    size = np.minimum(np.abs(distance), band) * voxel
    return np.asarray(np.copysign(size, values), dtype=np.float32)


@njit(cache=True, parallel=True)
def crossing_distance(values: NDArray[Any]) -> NDArray[Any]:
    """Distances in voxels beside the zero level, negated: the sweeps leave those; else infinite."""
    out = np.full(values.shape, np.float32(np.inf), dtype=np.float32)
    for i in prange(values.shape[0]):
        for j in range(values.shape[1]):
            for k in range(values.shape[2]):
                point = (i, j, k)
                x = min(_crossing(values, point, (-1, 0, 0)), _crossing(values, point, (1, 0, 0)))
                y = min(_crossing(values, point, (0, -1, 0)), _crossing(values, point, (0, 1, 0)))
                z = min(_crossing(values, point, (0, 0, -1)), _crossing(values, point, (0, 0, 1)))
                if min(x, y, z) < np.inf:
                    out[i, j, k] = -1.0 / np.sqrt(x**-2 + y**-2 + z**-2)
    return out


@njit(cache=True)
def _crossing(
    values: NDArray[Any], point: tuple[int, int, int], step: tuple[int, int, int]
) -> float:
    """Distance in voxels to the change of sign on the edge to a neighbour; infinite without one."""
    i, j, k = point[0] + step[0], point[1] + step[1], point[2] + step[2]
    nx, ny, nz = values.shape
    if i < 0 or j < 0 or k < 0 or i >= nx or j >= ny or k >= nz:
        return np.inf
    here, there = values[point], values[i, j, k]
    if (here < 0.0) == (there < 0.0):
        return np.inf
    # 1e-6 voxels: a value of exactly zero must not divide by zero.
    return float(max(abs(here) / (abs(here) + abs(there)), 1e-6))


@njit(cache=True)
def sweep(distance: NDArray[Any], order: int, band: float) -> None:
    """One Gauss-Seidel pass in one of the eight diagonal orders; frozen points are negative."""
    nx, ny, nz = distance.shape
    for ii in range(nx):
        i = ii if order & 1 else nx - 1 - ii
        for jj in range(ny):
            j = jj if order & 2 else ny - 1 - jj
            for kk in range(nz):
                k = kk if order & 4 else nz - 1 - kk
                here = distance[i, j, k]
                if here > 0.0:
                    x = min(_at(distance, i - 1, j, k), _at(distance, i + 1, j, k))
                    y = min(_at(distance, i, j - 1, k), _at(distance, i, j + 1, k))
                    z = min(_at(distance, i, j, k - 1), _at(distance, i, j, k + 1))
                    if min(x, y, z) < min(here, band):
                        distance[i, j, k] = min(here, _godunov(x, y, z))


@njit(cache=True)
def _at(distance: NDArray[Any], i: int, j: int, k: int) -> float:
    nx, ny, nz = distance.shape
    if i < 0 or j < 0 or k < 0 or i >= nx or j >= ny or k >= nz:
        return np.inf
    return float(abs(distance[i, j, k]))


@njit(cache=True)
def _godunov(x: float, y: float, z: float) -> float:
    """The solution d of Σ max(d - a, 0)² = 1 over the upwind neighbours a of the three axes."""
    low, high = min(x, y, z), max(x, y, z)
    middle = max(min(x, y), min(max(x, y), z))
    d = low + 1.0
    if d > middle:
        d = 0.5 * (low + middle + np.sqrt(max(2.0 - (low - middle) ** 2, 0.0)))
        if d > high:
            total = low + middle + high
            square = low * low + middle * middle + high * high
            d = (total + np.sqrt(max(total * total - 3.0 * (square - 1.0), 0.0))) / 3.0
    return float(d)
