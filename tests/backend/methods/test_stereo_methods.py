# SPDX-License-Identifier: GPL-3.0-or-later
"""The visual hull and stereo as methods: from a scene's folder to a mesh beside the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import synthetic
from lightkiln.capture.inputs import Inputs
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import open_scene
from lightkiln.methods import stereo, visual_hull
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.stereo.reconstruct import reconstruct
from lightkiln.methods.visual_hull.carve import reconstruct as carve
from lightkiln.metrics.surface import evaluate
from lightkiln_shared.errors import InvalidScene, NothingReconstructed

SMALL = stereo.Params(resolution=72, num_planes=24, rounds=1, faces=20_000)


@pytest.fixture(scope="module")
def inputs(synthetic_scene: synthetic.SyntheticScene) -> Inputs:
    return load_inputs(*open_scene(synthetic_scene.folder))


def test_both_are_near_the_truth_and_the_hull_is_there_first(
    synthetic_scene: synthetic.SyntheticScene, inputs: Inputs
) -> None:
    run = DetachedRun()
    hull = carve(inputs, visual_hull.Params(resolution=72, faces=20_000), DetachedRun())
    mesh = reconstruct(inputs, SMALL, run)
    of_hull = evaluate(hull, synthetic_scene.mesh, num_samples=20_000)
    scores = evaluate(mesh, synthetic_scene.mesh, num_samples=20_000)
    # Two balls are nearly their own hull, and sixteen views stand too far apart for much depth.
    assert of_hull.fraction(of_hull.chamfer) < 0.0015
    assert scores.fraction(scores.chamfer) < 0.0015
    assert sum(phase.share for phase in run.phases) == pytest.approx(1.0)
    first = run.make_mesh()
    assert first is not None
    assert len(first.triangles) <= 30_000


def test_colours_are_those_of_the_object(
    synthetic_scene: synthetic.SyntheticScene, inputs: Inputs
) -> None:
    mesh = reconstruct(inputs, SMALL, DetachedRun())
    assert mesh.colors is not None
    near = np.abs(synthetic_scene.sdf(mesh.positions)) < 0.01
    error = np.abs(mesh.colors - synthetic_scene.color(mesh.positions))[near]
    assert error.mean() < 0.08  # a pixel averages over the texture's shortest waves


def test_a_run_told_to_finish_at_once_still_gives_the_hull(inputs: Inputs) -> None:
    run = DetachedRun()
    run.finish()
    assert len(reconstruct(inputs, SMALL, run).triangles) > 1000


def test_without_masks_silhouettes_and_depths_there_is_no_surface(inputs: Inputs) -> None:
    draw = np.random.default_rng(0)
    noise = [draw.integers(256, size=view.image.shape, dtype=np.uint8) for view in inputs.views]
    views = (
        replace(view, mask=None, image=image)
        for view, image in zip(inputs.views, noise, strict=True)
    )
    bare = Inputs(views=tuple(views), region=inputs.region)
    run = DetachedRun()
    run.finish()
    with pytest.raises(NothingReconstructed):
        reconstruct(bare, SMALL, run)


def test_one_view_is_too_few(inputs: Inputs) -> None:
    one = Inputs(views=inputs.views[:1], region=inputs.region)
    with pytest.raises(InvalidScene, match="two views"):
        reconstruct(one, SMALL, DetachedRun())
