# SPDX-License-Identifier: GPL-3.0-or-later
"""Regularisers against finite differences of their own sums; Adam against numpy."""

from __future__ import annotations

import numpy as np
import pytest
from lightkiln.fields.band import neighbours, table_of
from lightkiln.ops.bricks import from_dense, to_dense
from lightkiln.ops.kernels.adam import no_moments, step_color, step_distance
from lightkiln.ops.kernels.arrays import ROW, Gradients
from lightkiln.ops.kernels.regularise import Priors, regularise
from numpy.typing import NDArray

SIZE = 16


def energies(dense: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of E and of C over all points whose neighbours exist."""
    slopes = [
        (np.roll(dense, -1, axis) - np.roll(dense, 1, axis))[1:-1, 1:-1, 1:-1] / 2
        for axis in range(3)
    ]
    bend = sum(np.roll(dense, step, axis) for axis in range(3) for step in (-1, 1)) - 6 * dense
    length = np.sqrt(sum(slope**2 for slope in slopes))
    return np.array([((length - 1) ** 2).sum(), (bend[1:-1, 1:-1, 1:-1] ** 2).sum()])


@pytest.mark.parametrize("term", [0, 1])
def test_slopes_are_those_of_the_sums(term: int) -> None:
    draw = np.random.default_rng(term)
    axis = np.arange(SIZE) - 7.4
    dense = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij")), axis=0) - 5.0
    dense += draw.normal(scale=0.1, size=dense.shape)
    grid = from_dense(dense[..., None], np.ones(dense.shape, bool), np.zeros(3), 1.0)
    flat = grid.values.reshape(-1)
    weights = np.eye(3, dtype=np.float32)[term]
    gradient, errors = np.zeros_like(flat), np.zeros((8, 2), np.float32)
    nothing = np.zeros_like(flat)
    regularise(flat, neighbours(grid.table), Priors(nothing, nothing, weights), gradient, errors)
    ours = to_dense(
        type(grid)(
            origin=grid.origin,
            voxel=1.0,
            table=grid.table,
            values=gradient.reshape(grid.values.shape),
        ),
        0.0,
    )[..., 0]
    for _ in range(5):
        direction = draw.normal(size=dense.shape)
        ends = [energies(dense + step * direction)[term] for step in (-1e-5, 1e-5)]
        assert (ours * direction).sum() == pytest.approx((ends[1] - ends[0]) / 2e-5, rel=2e-3)


def test_adam_moves_what_has_a_gradient_and_clears_it() -> None:
    draw = np.random.default_rng(0)
    touched = draw.random((2, 999)) < 0.3
    rows = np.where(touched[..., None], draw.normal(size=(2, 999, ROW)), 0.0).astype(np.float32)
    gradients = Gradients(draw.normal(size=(2, 999)).astype(np.float32), rows, touched)
    of_distance, of_color = gradients.distance.sum(axis=0), rows.sum(axis=0)
    distance, color = np.zeros(999, np.float32), np.zeros((999, ROW), np.float32)
    pace = np.stack([np.full(ROW, 0.02), np.zeros(ROW)]).astype(np.float32)
    step_distance(distance, no_moments(distance), gradients, 0.1, 1e-9)
    step_color(color, no_moments(color), gradients, pace)
    np.testing.assert_allclose(distance, -0.1 * np.sign(of_distance), rtol=1e-3)
    np.testing.assert_allclose(color, -0.02 * np.sign(of_color), rtol=1e-3)
    assert not any(array.any() for array in gradients)


def test_the_neighbours_of_a_brick_are_those_around_it() -> None:
    table = table_of(np.random.default_rng(0).random((4, 3, 5)) < 0.6)
    near = neighbours(table)
    padded = np.pad(table, 1, constant_values=-1)
    for slot, (a, b, c) in zip(table[table >= 0], np.argwhere(table >= 0), strict=True):
        np.testing.assert_array_equal(
            near[slot], padded[a : a + 3, b : b + 3, c : c + 3].reshape(-1)
        )
