# SPDX-License-Identifier: GPL-3.0-or-later
"""Adam (arXiv:1412.6980) for points of a field, in numba; only touched colours are visited.

    m = b1 m + (1 - b1) g,   v = b2 v + (1 - b2) g²,   p = p - rate m / (sqrt(v) + e)

without correction for the start: with b1 = 0.9 and b2 = 0.99 a first step is
(1 - b1) / sqrt(1 - b2) = 1 rate long, as it should be, whenever a point is touched first. Gradients
are summed over the chunks' buffers and these set back to zero on the way.

All writes to a tuple's arrays stand in functions that the parallel loop calls: numba 0.68 takes
such a write in the loop itself for dead code and drops it. It must not know what is learned.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from .arrays import ROW, Gradients, Number

B1, B2 = np.float32(0.9), np.float32(0.99)
ONE = np.float32(1.0)
TINY = np.float32(1e-8)
"""Keeps a coefficient without a gradient from dividing 0 by 0."""


class Moments(NamedTuple):
    """Running means of a gradient and of its square; the shapes are the parameters'."""

    first: NDArray[Any]
    second: NDArray[Any]


def no_moments(parameters: NDArray[Any]) -> Moments:
    """The memory of an optimiser that has seen nothing."""
    return Moments(np.zeros_like(parameters), np.zeros_like(parameters))


@njit(cache=True)
def move_point(
    p: int,
    distance: NDArray[Any],
    moments: Moments,
    gradients: NDArray[Any],
    rate: Number,
    floor: Number,
) -> None:
    """Move the distance of point p and clear its gradients (chunks, points)."""
    g = np.float32(0.0)
    for chunk in range(gradients.shape[0]):
        g += gradients[chunk, p]
        gradients[chunk, p] = 0.0
    first = B1 * moments.first[p] + (ONE - B1) * g
    second = B2 * moments.second[p] + (ONE - B2) * g * g
    moments.first[p], moments.second[p] = first, second
    distance[p] -= np.float32(rate) * first / (np.sqrt(second) + np.float32(floor))


@njit(cache=True, parallel=True)
def step_distance(
    distance: NDArray[Any],
    moments: Moments,
    gradients: Gradients,
    rate: Number,
    floor: Number,
) -> None:
    """Move all distances (points,); `rate` in voxels, `floor` is e."""
    for p in prange(distance.shape[0]):
        move_point(p, distance, moments, gradients.distance, rate, floor)


@njit(cache=True, error_model="numpy", fastmath={"contract", "reassoc"})  # to be vectorised
def move_row(
    row: NDArray[Any], g: NDArray[Any], mean: NDArray[Any], square: NDArray[Any], pace: NDArray[Any]
) -> None:
    """Move one point's coefficients (12,); `pace` (2, 12) holds rates and decays."""
    for term in range(ROW):
        mean[term] = B1 * mean[term] + (ONE - B1) * g[term]
        square[term] = B2 * square[term] + (ONE - B2) * g[term] * g[term]
        change = pace[0, term] * mean[term] / (np.sqrt(square[term]) + TINY)
        row[term] = row[term] * (ONE - pace[1, term]) - change


@njit(cache=True)
def collect_row(p: int, gradients: Gradients, g: NDArray[Any]) -> bool:
    """Sum the colour gradients of point p into `g` (12,), clear them; False if there are none."""
    touched = False
    g[:] = 0.0
    for chunk in range(gradients.touched.shape[0]):
        if gradients.touched[chunk, p]:
            touched = True
            g += gradients.color[chunk, p]
            gradients.color[chunk, p] = 0.0
            gradients.touched[chunk, p] = False
    return touched


@njit(cache=True, parallel=True)
def step_color(
    color: NDArray[Any], moments: Moments, gradients: Gradients, pace: NDArray[Any]
) -> None:
    """Move the touched colours (points, 12).

    `pace` (2, 12): how far a coefficient moves at each touch, and what part of it fades.
    """
    width = 4096
    for block in prange((color.shape[0] + width - 1) // width):
        g = np.empty(ROW, np.float32)
        for p in range(block * width, min((block + 1) * width, color.shape[0])):
            if collect_row(p, gradients, g):
                move_row(color[p], g, moments.first[p], moments.second[p], pace)
