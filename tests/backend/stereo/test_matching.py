# SPDX-License-Identifier: GPL-3.0-or-later
"""Sweep and patches: against a plane known in closed form, and the numba kernels against torch."""

from __future__ import annotations

import numpy as np
import pytest
from lightkiln.ops.kernels import stereo_patch, stereo_sweep
from lightkiln.ops.kernels.stereo_torch import TorchKernels
from lightkiln.stereo import sources
from plane_scene import PlaneScene

HERE = np.array([[0, 0]])


def test_the_true_plane_correlates_and_wins_over_its_neighbours(plane_scene: PlaneScene) -> None:
    bundle = sources.bundle(plane_scene.views, 0, [1, 2])
    truth = plane_scene.planes(0)
    planes, scores = np.zeros_like(truth), np.zeros(truth.shape[:2], np.float32)
    stereo_patch.offer(bundle, planes, scores, truth, HERE)
    known = scores > 0.0
    assert known.mean() > 0.5
    assert np.median(scores[known]) > 0.98
    for change in ([0.01, 0.0, 0.0], [-0.01, 0.0, 0.0], [0.0, 0.003, 0.0], [0.0, 0.0, -0.003]):
        worse = np.zeros_like(scores)
        moved = truth + np.array(change, dtype=np.float32)
        stereo_patch.offer(bundle, planes.copy(), worse, moved, HERE)
        both = known & (worse > 0.0)
        assert np.mean(scores[both] > worse[both]) > 0.95


def test_planes_spread_from_pixel_to_pixel_as_planes(plane_scene: PlaneScene) -> None:
    bundle = sources.bundle(plane_scene.views, 0, [1, 2], stride=2)
    truth = plane_scene.planes(0)[::2, ::2]
    seeds = np.zeros_like(truth)
    seeds[8:16:4, 8:24:4] = truth[8:16:4, 8:24:4]
    planes, scores = seeds.copy(), np.zeros(truth.shape[:2], np.float32)
    offsets = np.array([[1, 0], [-1, 0], [0, 2]])
    stereo_patch.offer(bundle, planes, scores, seeds, offsets)
    reached = scores > 0.0
    assert reached.sum() >= 20
    assert np.abs(planes[reached] - truth[reached]).max() < 1e-5


def test_the_sweep_finds_the_depth_to_a_fraction_of_its_planes(plane_scene: PlaneScene) -> None:
    bundle = sources.bundle(plane_scene.views, 0, [1, 2])
    truth = plane_scene.planes(0)[..., 0]
    swept = np.linspace(truth.min() - 0.02, truth.max() + 0.02, 60, dtype=np.float32)
    near, far = np.full_like(truth, swept[-1]), np.full_like(truth, swept[0])
    found, scores = stereo_sweep.sweep(bundle, swept, near, far)
    good = scores > 0.8
    assert good.mean() > 0.3
    assert np.median(np.abs(found - truth)[good]) < 0.5 * (swept[1] - swept[0])


@pytest.mark.parametrize("only_one", [False, True])
def test_the_sweep_equals_its_readable_twin(plane_scene: PlaneScene, only_one: bool) -> None:
    bundle = sources.bundle(plane_scene.views, 0, [1] if only_one else [1, 2])
    truth = plane_scene.planes(0)[..., 0]
    swept = np.linspace(truth.min(), truth.max(), 12, dtype=np.float32)
    near = np.where(truth > np.median(truth), truth + 0.02, 0.0).astype(np.float32)
    far = np.maximum(near - 0.05, 0.0)
    found, scores = stereo_sweep.sweep(bundle, swept, near, far)
    twin_found, twin_scores = TorchKernels("cpu").sweep(bundle, swept, near, far)
    assert (scores > 0.0).mean() > 0.1
    assert np.abs(scores - twin_scores).max() < 2e-3
    # Two planes may score alike to rounding: then either is right.
    assert np.mean(np.abs(found - twin_found) < 1e-3) > 0.99


def test_patches_equal_their_readable_twin(plane_scene: PlaneScene) -> None:
    bundle = sources.bundle(plane_scene.views, 0, [1, 2], stride=2)
    random = np.random.default_rng(0)
    truth = plane_scene.planes(0)[::2, ::2]
    candidates = truth + (random.normal(size=truth.shape) * [0.01, 0.002, 0.002]).astype("f4")
    offsets = np.array([[0, 0], [-1, 0], [0, 3]])
    results = []
    for offer in (stereo_patch.offer, TorchKernels("cpu").offer):
        planes, scores = np.zeros_like(truth), np.zeros(truth.shape[:2], np.float32)
        offer(bundle, planes, scores, candidates, offsets)
        results.append((planes, scores))
    (planes, scores), (twin_planes, twin_scores) = results
    assert (scores > 0.0).mean() > 0.5
    assert np.abs(scores - twin_scores).max() < 1e-3
    assert np.mean(np.abs(planes - twin_planes).max(axis=-1) < 1e-4) > 0.99
