# SPDX-License-Identifier: GPL-3.0-or-later
"""The solver in torch, which a CUDA device gets, does what the one in numba does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightkiln.fields.band import Band, from_grid
from lightkiln.ops.bricks import from_dense
from lightkiln.ops.kernels import march as numba_march
from lightkiln.ops.kernels.arrays import Rays, Targets
from lightkiln.ops.kernels.march_torch import Beams, march
from lightkiln.training.schedule import Pace, Weights, pace
from lightkiln.training.solver import NumbaSolver
from lightkiln.training.solver_torch import TorchSolver

SIZE, NUM_RAYS = 24, 400


def a_band(seed: int) -> Band:
    """A rough ball, painted at random, with something missing."""
    draw = np.random.default_rng(seed)
    axis = np.arange(SIZE) - 11.3
    distance = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij")), axis=0) - 7.0
    distance += draw.normal(scale=0.1, size=distance.shape)
    values = np.stack([distance, draw.random(distance.shape)], axis=-1)
    near = np.abs(distance) < 2.0
    near[:8, :8, 8:16] = False
    band = from_grid(from_dense(values, near, np.zeros(3), 1.0))
    band.color[:] = draw.normal(0.2, 0.2, size=band.color.shape)
    band.anchor[:] += draw.normal(scale=0.2, size=band.anchor.shape)
    return band


def some_rays(seed: int) -> Rays:
    draw = np.random.default_rng(seed)
    directions = draw.normal(size=(NUM_RAYS, 3))
    directions[:20] = np.eye(3)[draw.integers(3, size=20)]  # along an axis: nothing to divide by
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    origins = 11.5 + draw.uniform(-9.0, 9.0, size=(NUM_RAYS, 3)) - 30.0 * directions
    arrays = (origins, directions, draw.random(NUM_RAYS))
    return Rays(*(array.astype(np.float32) for array in arrays))


def some_targets(seed: int) -> Targets:
    draw = np.random.default_rng(seed)
    color, background, gain = draw.random((3, NUM_RAYS, 3)).astype(np.float32)
    return Targets(color, background, draw.random(NUM_RAYS).astype(np.float32), 0.5 + gain, 0.3)


def a_pace() -> Pace:
    return pace(
        0.3, Weights(eikonal=0.2, curvature=0.05, anchor=0.3, opacity=0.3, patches=0.0, points=0.0)
    )


@pytest.mark.parametrize("sharpness", [2.0, 6.0])
def test_both_walk_to_the_same_samples(sharpness: float) -> None:
    band, rays = a_band(0), some_rays(0)
    beams = Beams(*(torch.from_numpy(array) for array in rays))
    walked = march(torch.from_numpy(band.table), torch.from_numpy(band.distance), sharpness, beams)
    t, f = np.empty((2, numba_march.MAX_SAMPLES), np.float32)
    agreeing = 0
    for ray in range(NUM_RAYS):
        o, d = rays.origins[ray], rays.directions[ray]
        count = numba_march.march(band.field(sharpness), o, d, rays.jitter[ray], t, f)
        ours = walked.t[ray, : walked.lengths[ray]].numpy()
        agreeing += len(ours) == count and np.allclose(ours, t[:count], atol=1e-3)
    # Rounding may put a sample on the other side of a brick's face: seldom.
    assert agreeing >= 0.98 * NUM_RAYS


def test_both_see_the_same_and_take_the_same_step() -> None:
    first, rays, targets = a_band(1), some_rays(1), some_targets(1)
    second = replace(first, distance=first.distance.copy(), color=first.color.copy())
    solvers = (NumbaSolver(first), TorchSolver(second, "cpu"))
    start = first.distance.copy(), first.color.copy()
    for _ in range(3):
        seen = [solver.see(a_pace().sharpness, rays, targets) for solver in solvers]
        error = np.abs(seen[0].loss - seen[1].loss)
        assert np.quantile(error, 0.97) < 2e-3
        eikonal = [solver.move(4.0, a_pace()) for solver in solvers]
        assert eikonal[0] == pytest.approx(eikonal[1], rel=0.01)
    for solver in solvers:
        solver.settle()
    for before, ours, theirs in zip(
        start, (first.distance, first.color), (second.distance, second.color), strict=True
    ):
        moved = np.abs(ours - before)
        assert moved.max() > 0.01
        assert np.abs(ours - theirs).mean() < 0.02 * moved.mean()


def test_a_band_stays_as_it_was_until_the_device_settles() -> None:
    band = a_band(2)
    before = band.distance.copy()
    solver = TorchSolver(band, "cpu")
    solver.see(3.0, some_rays(2), some_targets(2))
    solver.move(4.0, a_pace())
    np.testing.assert_array_equal(band.distance, before)
    solver.settle()
    assert np.abs(band.distance - before).max() > 0.005
