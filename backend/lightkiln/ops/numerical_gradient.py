# SPDX-License-Identifier: GPL-3.0-or-later
"""Gradient and Laplacian of a function from its values around a point (Li et al. 2023, eqs. 5-6).

Central differences, 6 taps at x ± eps e_i:

    n_i = (f(x + eps e_i) - f(x - eps e_i)) / (2 eps)        error O(eps²)
    lap = (sum f - 6 f(x)) / eps²

or 4 taps at the corners of a tetrahedron, x + e k_i with e = eps / sqrt(3), whose corners k_i have
sum k_i = 0 and sum k_i k_i^T = 4 I:

    n   = sum k_i f_i / (4 e)                                error O(eps): off-diagonal curvature
    lap = (sum f_i - 4 f(x)) / (2 e²)

A step as long as a grid's cell reaches into other cells, so that neighbours learn together.
It must not know what the function is.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

TETRAHEDRON = ((1.0, -1.0, -1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, 1.0, 1.0))
AXES = tuple(
    tuple(sign * float(axis == other) for other in range(3))
    for axis in range(3)
    for sign in (1, -1)
)


def tap_points(x: Float[Tensor, "n 3"], step: float, taps: int) -> Float[Tensor, "n taps 3"]:
    """The points around each x at the distance `step`; `taps` is 4 or 6."""
    corners, length = _corners(x, step, taps)
    return x[:, None, :] + length * corners


def gradient_of(
    values: Float[Tensor, "n taps"], middle: Float[Tensor, " n"], step: float
) -> tuple[Float[Tensor, "n 3"], Float[Tensor, " n"]]:
    """Gradient and Laplacian at x, from f at `tap_points` and at x itself."""
    taps = values.shape[1]
    corners, length = _corners(values, step, taps)
    # Both sets of corners have sum k k^T = s I, s = |k|² taps / 3.
    s = 4.0 if taps == 4 else 2.0
    gradient = values @ corners / (s * length)
    return gradient, (values.sum(dim=1) - taps * middle) * (2.0 / (s * length**2))


def _corners(like: Tensor, step: float, taps: int) -> tuple[Tensor, float]:
    if taps == 4:
        return torch.tensor(TETRAHEDRON, dtype=like.dtype, device=like.device), step / math.sqrt(3)
    return torch.tensor(AXES, dtype=like.dtype, device=like.device), step
