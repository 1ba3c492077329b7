# SPDX-License-Identifier: GPL-3.0-or-later
"""A ball's band made anew must stay that ball: known distances, one surface."""

from __future__ import annotations

import numpy as np
import pytest
from lightkiln.fields.band import Band, from_grid, lattice_points, to_grid
from lightkiln.fields.rebanding import rebanded
from lightkiln.fields.render import projected
from lightkiln.mesh.clean import parts
from lightkiln.mesh.extract import extract
from lightkiln.ops.bricks import from_dense

RADIUS, CENTRE, ORIGIN = 0.6, np.array([0.05, -0.02, 0.01]), np.array([-1.0, -1.0, -1.0])


def distance_to_ball(positions: np.ndarray) -> np.ndarray:
    return np.linalg.norm(positions - CENTRE, axis=-1) - RADIUS


@pytest.fixture(scope="module")
def ball() -> Band:
    voxel = 2.0 / 47
    axis = np.arange(48) * voxel
    positions = ORIGIN + np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    distance = distance_to_ball(positions)
    values = np.stack([distance, np.ones_like(distance)], axis=-1)
    return from_grid(from_dense(values, np.abs(distance) < 3 * voxel, ORIGIN, voxel))


@pytest.mark.parametrize("ratio", [1.0, 0.6, 1.3])
def test_distances_stay_true_and_the_surface_one(ball: Band, ratio: float) -> None:
    band = rebanded(rebanded(ball, ratio * ball.voxel), ratio * ball.voxel)
    positions = band.origin + band.voxel * lattice_points(band.table)
    true = distance_to_ball(positions) / band.voxel
    near = np.abs(true) < 3.0
    assert np.abs(band.distance - true)[near].max() < 0.5
    assert np.abs(band.distance - true)[np.abs(true) < 1.0].mean() < 0.1
    assert (np.sign(band.distance) == np.sign(true))[np.abs(true) > 0.5].all()
    assert parts(extract(to_grid(band))).max() == 0
    assert band.trust[np.abs(true) < 1.0].min() == pytest.approx(1.0)


def test_points_are_projected_onto_the_surface(ball: Band) -> None:
    draw = np.random.default_rng(0).normal(size=(500, 3))
    outward = draw / np.linalg.norm(draw, axis=1, keepdims=True)
    start = CENTRE + (RADIUS + np.linspace(-0.5, 0.5, 500)[:, None] * ball.voxel) * outward
    moved = projected(ball, start.astype(np.float32))
    assert np.abs(distance_to_ball(moved)).max() < 0.06 * ball.voxel
