# SPDX-License-Identifier: GPL-3.0-or-later
"""A membrane through weighted values on a lattice (numba). It must not know what they mean."""

from __future__ import annotations

from typing import Any

from numba import njit, prange
from numpy.typing import NDArray


@njit(cache=True, parallel=True, error_model="numpy")
def relax(
    values: NDArray[Any],
    targets: NDArray[Any],
    weights: NDArray[Any],
    stiffness: float,
    out: NDArray[Any],
) -> None:
    """One Jacobi step towards the minimum of Σ w (d - target)² + stiffness Σ (d - neighbour)².

    All (X, Y, Z) float32; the lattice's outermost points keep their values.
    """
    nx, ny, nz = values.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                if 0 < i < nx - 1 and 0 < j < ny - 1 and 0 < k < nz - 1:
                    around = (
                        values[i - 1, j, k]
                        + values[i + 1, j, k]
                        + values[i, j - 1, k]
                        + values[i, j + 1, k]
                        + values[i, j, k - 1]
                        + values[i, j, k + 1]
                    )
                    w = weights[i, j, k]
                    total = w * targets[i, j, k] + stiffness * around
                    out[i, j, k] = total / (w + 6.0 * stiffness)
                else:
                    out[i, j, k] = values[i, j, k]
