# SPDX-License-Identifier: GPL-3.0-or-later
"""The arrays that the kernels and their torch twin read and write: plain named tuples.

Lengths here are in voxels and positions in lattice units: lattice point (i, j, k) of a `BrickGrid`
lies at (i, j, k). Point p = 512 slot + 64 (i mod 8) + 8 (j mod 8) + (k mod 8), so arrays over the
stored points are flat. It must not know numba or torch: both see the same tuples.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.bricks import BRICK

Number = Any
"""A float32 within a kernel; outside any number will do, and numba converts it."""
POINTS = BRICK**3
"""Lattice points of one brick."""
TERMS = 4
"""Spherical harmonics of degree 0 and 1. A constant, so that loops over them are unrolled."""
ROW = 3 * TERMS
"""Coefficients of one point's colour."""


class Field(NamedTuple):
    """A signed distance and a view-dependent colour at the stored points."""

    table: NDArray[Any]
    """(A, B, C) int32: slot of each brick, or -1."""
    distance: NDArray[Any]
    """(points,) float32, voxels, negative inside."""
    color: NDArray[Any]
    """(points, 12) float32: spherical harmonics of red, then green, then blue; sRGB values."""
    sharpness: float
    """s of the logistic density, 1/voxel."""


class Rays(NamedTuple):
    """Rays in lattice units."""

    origins: NDArray[Any]
    """(rays, 3) float32."""
    directions: NDArray[Any]
    """(rays, 3) float32, unit."""
    jitter: NDArray[Any]
    """(rays,) float32 in [0, 1): where the first sample stands within its step."""


class Targets(NamedTuple):
    """What rays should have seen."""

    color: NDArray[Any]
    """(rays, 3) float32, sRGB values in [0, 1]; where there is a mask, over the background."""
    background: NDArray[Any]
    """(rays, 3) float32: what shows where the field lets light through."""
    opacity: NDArray[Any]
    """(rays,) float32 in [0, 1]: the mask; only read if `opacity_weight` is not 0."""
    gain: NDArray[Any]
    """(rays, 3) float32: exposure of the ray's photograph."""
    opacity_weight: float


class Gradients(NamedTuple):
    """One buffer a chunk of rays, so that no two threads write to one place."""

    distance: NDArray[Any]
    """(chunks, points) float32."""
    color: NDArray[Any]
    """(chunks, points, 12) float32."""
    touched: NDArray[Any]
    """(chunks, points) bool: whether `color` holds anything there."""


class Outcome(NamedTuple):
    """What the rays saw."""

    color: NDArray[Any]
    """(rays, 3) float32: the field's part of the light, before gain and background."""
    transmittance: NDArray[Any]
    """(rays,) float32: the background's part."""
    depth: NDArray[Any]
    """(rays,) float32: where half of the light is left, voxels along the ray, or infinite."""
    loss: NDArray[Any]
    """(rays,) float32."""


def empty_gradients(chunks: int, field: Field) -> Gradients:
    """Buffers of zeros for a field."""
    return Gradients(
        distance=np.zeros((chunks, *field.distance.shape), dtype=np.float32),
        color=np.zeros((chunks, *field.color.shape), dtype=np.float32),
        touched=np.zeros((chunks, *field.distance.shape), dtype=np.bool_),
    )


def empty_outcome(num_rays: int) -> Outcome:
    """Room for the results of some rays."""
    return Outcome(
        color=np.zeros((num_rays, 3), dtype=np.float32),
        transmittance=np.zeros(num_rays, dtype=np.float32),
        depth=np.zeros(num_rays, dtype=np.float32),
        loss=np.zeros(num_rays, dtype=np.float32),
    )
