# SPDX-License-Identifier: GPL-3.0-or-later
"""Patches and points: least cost at the truth, slopes like differences, twins that agree."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import plane_scene as scene
import pytest
from lightkiln.capture.inputs import Inputs, LoadedView, SurePoints
from lightkiln.fields.band import Band, from_grid, lattice_points
from lightkiln.ops.bricks import from_dense
from lightkiln.ops.kernels.arrays import Gradients, empty_gradients
from lightkiln.ops.kernels.patch_pull import Patches, pull
from lightkiln.ops.kernels.stereo_patch import Bundle
from lightkiln.stereo import sources
from lightkiln.testing import a_scene
from lightkiln.training.landmarks import landmarks
from lightkiln.training.schedule import Pace, Weights, pace
from lightkiln.training.solver import NumbaSolver
from lightkiln.training.solver_torch import TorchSolver

SHARPNESS, VOXEL, SIZE, RATE = 4.0, 0.03, 64, 0.01
ORIGIN = np.full(3, -VOXEL * SIZE / 2)


def a_band(views: scene.PlaneScene, off: float) -> Band:
    """The scene's plane, moved by `off` voxels into the depth."""
    axis = ORIGIN[0] + VOXEL * np.arange(SIZE)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    towards = views.normal * np.sign(views.views[0].camera.centre @ views.normal)
    distance = x * towards[0] + y * towards[1] + z * towards[2] + off * VOXEL
    values = np.stack([distance, np.zeros_like(distance)], axis=-1)
    return from_grid(from_dense(values, np.abs(distance) < 4 * VOXEL, ORIGIN, VOXEL))


def compared(views: scene.PlaneScene) -> tuple[Bundle, Patches]:
    """The first view with the two others, at every third pixel."""
    first = views.views[0]
    bundle = sources.bundles(views.views, [[1, 2], [], []], VOXEL)[0]
    rows, columns = (grid.ravel() for grid in np.mgrid[3:45:3, 3:61:3])
    rotation = first.camera.world_from_camera[:3, :3]
    k = bundle.rays
    ways = np.stack([(columns - k[2]) / k[0], (rows - k[3]) / k[1], np.ones(len(rows))], axis=-1)
    ways = ways @ rotation.T / np.linalg.norm(ways, axis=1, keepdims=True)
    return bundle, Patches(
        places=np.stack([columns, rows], axis=-1),
        among=np.array([1, 2]),
        directions=ways.astype(np.float32),
        origin=((first.camera.centre - ORIGIN) / VOXEL).astype(np.float32),
        turn=rotation.T.astype(np.float32),
        jitter=np.random.default_rng(0).random(len(rows)).astype(np.float32),
    )


def no_priors() -> Pace:
    """A step by what was seen alone."""
    nothing = Weights(eikonal=0.0, curvature=0.0, anchor=0.0, opacity=0.0, patches=0.0, points=0.0)
    return replace(pace(0.0, nothing), distance_rate=RATE)


def pulled(views: scene.PlaneScene, off: float) -> tuple[np.ndarray, Gradients]:
    field = a_band(views, off).field(SHARPNESS)
    bundle, patches = compared(views)
    costs = np.empty(len(patches.places), np.float32)
    gradients = empty_gradients(2, field)
    pull(field, bundle, patches, 1.0, gradients, costs)
    return costs, gradients


def test_patches_cost_least_at_the_truth() -> None:
    views = scene.make()
    costs = {off: float(np.nanmean(pulled(views, off)[0])) for off in (-1.0, 0.0, 1.0)}
    assert costs[0.0] < 0.002
    assert min(costs[-1.0], costs[1.0]) > 5.0 * costs[0.0]


@pytest.mark.parametrize("off", [-1.5, -0.6, 0.6, 1.5])
def test_the_slope_is_that_of_the_costs_as_the_whole_field_moves(off: float) -> None:
    """A field that grows by e everywhere has its surface moved; the costs are looked at anew."""
    views, step = scene.make(), 0.5
    here, gradients = pulled(views, off)
    before, behind = pulled(views, off - step)[0], pulled(views, off + step)[0]
    all_three = np.isfinite(here) & np.isfinite(before) & np.isfinite(behind)
    assert all_three.mean() > 0.5
    change = (behind - before)[all_three].mean() / (2.0 * step)
    slope = gradients.distance.sum() / np.isfinite(here).sum()
    assert slope == pytest.approx(change, rel=0.15)


def test_both_solvers_learn_the_same_from_patches_and_points() -> None:
    views = scene.make()
    bands = [a_band(views, 0.3) for _ in range(2)]
    solvers = (NumbaSolver(bands[0]), TorchSolver(bands[1], "cpu"))
    draw = np.random.default_rng(1)
    places = draw.uniform(-2.0, SIZE + 2.0, size=(400, 3)).astype(np.float32)
    weights = draw.random(400).astype(np.float32)
    costs = []
    for solver in solvers:
        costs.append(solver.compare(SHARPNESS, *compared(views), 0.7))
        solver.hold(places, weights)
    np.testing.assert_allclose(costs[0], costs[1], atol=1e-4)
    for solver in solvers:
        solver.move(1.0, no_priors())
        solver.settle()
    start = a_band(views, 0.3).distance
    ours, theirs = (band.distance - start for band in bands)
    assert np.abs(ours).max() > 0.3 * RATE
    assert np.quantile(np.abs(ours - theirs), 0.999) < 0.02 * RATE


def test_points_that_a_surface_hides_or_that_stereo_is_sure_of_do_not_count() -> None:
    views = scene.make()
    band = a_band(views, 0.0)
    towards = views.normal * np.sign(views.views[0].camera.centre @ views.normal)
    on, behind, sure = np.zeros(3), -3.8 * VOXEL * towards, np.array([0.3, 0.0, 0.0])
    sure -= (sure @ towards) * towards
    near = (
        np.linalg.norm(band.origin + VOXEL * lattice_points(band.table) - sure, axis=1) < 3 * VOXEL
    )
    band.trust[near] = 1.0
    points = SurePoints(
        positions=np.stack([on, behind, sure]),
        confidence=np.array([0.5, 1.0, 1.0]),
        seen=np.array([[0, 0], [1, 0], [1, 1], [2, 2]]),
    )
    loaded = tuple(
        LoadedView(name=str(n), camera=view.camera, image=np.zeros((1, 1, 3), np.uint8), mask=None)
        for n, view in enumerate(views.views)
    )
    inputs = Inputs(views=loaded, region=a_scene().region, points=points)
    found = landmarks(inputs, band, SHARPNESS)
    assert found is not None
    np.testing.assert_allclose(found.places, (on - ORIGIN)[None] / VOXEL, atol=1e-4)
    np.testing.assert_allclose(found.weights, [0.5])
