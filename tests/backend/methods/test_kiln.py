# SPDX-License-Identifier: GPL-3.0-or-later
"""Kiln where the contract does not look: without masks, short of time, after a step gone wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lightkiln.capture.inputs import Inputs
from lightkiln.fields.band import to_grid
from lightkiln.mesh.extract import extract
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.kiln import Params
from lightkiln.methods.kiln.refine import refine
from lightkiln.methods.kiln.start import from_stereo
from lightkiln.methods.kiln.train import reconstruct
from lightkiln.ops.bricks import BrickGrid, from_dense
from lightkiln.testing import RADIUS, a_scene
from lightkiln.training import refinement

SMALL = Params(resolution=48, faces=4000, levels=1, rays=2048, passes=1.0, time_budget=1000.0)

PIXEL = 2.5 / (1.2 * 64)
"""What a pixel covers at the ball, metres."""


def before_a_wall(inputs: Inputs) -> Inputs:
    """The same ball, photographed before a striped wall and without masks."""
    stripes = (120 + 80 * np.sin(np.arange(64) / 5.0)).astype(np.uint8)[None, :, None]
    views = tuple(
        replace(view, mask=None, image=np.where(view.mask[..., None] > 0.5, view.image, stripes))
        for view in inputs.views
        if view.mask is not None
    )
    return replace(inputs, views=views)


def swollen_ball() -> BrickGrid:
    """The ball, a pixel too large, as a stereo that is sure of nothing would hand it over."""
    voxel = 1.2 / 47
    axis = np.arange(48) * voxel - 0.6
    distance = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis, indexing="ij")), axis=0)
    distance -= RADIUS + PIXEL
    values = np.stack([distance, np.zeros_like(distance)], axis=-1)
    return from_dense(values, np.abs(distance) < 4 * voxel, np.full(3, -0.6), voxel)


@pytest.mark.parametrize("masked", [True, False])
def test_a_surface_that_is_too_large_shrinks_towards_the_truth(masked: bool) -> None:
    inputs = a_scene() if masked else before_a_wall(a_scene())
    params, run = replace(SMALL, passes=4.0, rays=256), DetachedRun()
    course = from_stereo(swollen_ball(), inputs, params)
    refine(course, 0, inputs, params, run)
    radius = np.linalg.norm(extract(to_grid(course.band)).positions, axis=1)
    error = float(np.median(radius)) - RADIUS
    assert 0.0 < error < 0.85 * PIXEL
    assert run.metrics[-1]["psnr"] > run.metrics[0]["psnr"] + 1.0


def test_a_level_that_is_short_of_time_is_cut_and_still_ends_sharp() -> None:
    run = DetachedRun()
    reconstruct(a_scene(), replace(SMALL, passes=100.0, time_budget=2.0), run)
    refining = [phase for phase in run.phases if phase.name.startswith("refine")]
    assert sum(phase.seconds for phase in refining) < 10.0
    assert run.metrics[-1]["sharpness"] > 5.0


def test_a_step_that_diverges_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    step, calls = refinement.Refiner.step, []

    def failing(self: refinement.Refiner, *settings: object) -> refinement.Figures:
        calls.append(settings)
        if len(calls) == 2:
            self._band.distance[:] = np.nan
            raise FloatingPointError("for the test")
        return step(self, *settings)  # type: ignore[arg-type]

    monkeypatch.setattr(refinement.Refiner, "step", failing)
    run = DetachedRun()
    mesh = reconstruct(a_scene(), SMALL, run)
    assert sum("diverged" in text for text in run.warnings) == 1
    assert float(np.median(np.linalg.norm(mesh.positions, axis=1))) == pytest.approx(
        RADIUS, rel=0.1
    )


def test_a_loss_that_rises_is_taken_back_too(monkeypatch: pytest.MonkeyPatch) -> None:
    step, worst = refinement.Refiner.step, []

    def thrown(self: refinement.Refiner, index: int, *others: object) -> refinement.Figures:
        if index == 2:
            self._band.distance[:] += 6.0  # voxels: the surface is gone
        figures = step(self, index, *others)  # type: ignore[arg-type]
        worst.append(figures.loss)
        return figures

    monkeypatch.setattr(refinement.Refiner, "step", thrown)
    run = DetachedRun()
    mesh = reconstruct(a_scene(), replace(SMALL, rays=512), run)
    assert max(worst) > 4.0 * worst[0]
    assert sum("diverged" in text for text in run.warnings) == 1
    assert float(np.median(np.linalg.norm(mesh.positions, axis=1))) == pytest.approx(
        RADIUS, rel=0.1
    )


def test_a_field_that_never_recovers_ends_in_the_last_sound_mesh(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(self: refinement.Refiner, *_: object) -> refinement.Figures:
        self._band.color[:] = np.nan
        raise FloatingPointError("for the test")

    monkeypatch.setattr(refinement.Refiner, "step", failing)
    run = DetachedRun()
    mesh = reconstruct(a_scene(), replace(SMALL, rays=512), run)
    assert any("last sound state" in text for text in run.warnings)
    assert np.isfinite(mesh.positions).all()
    assert float(np.median(np.linalg.norm(mesh.positions, axis=1))) == pytest.approx(
        RADIUS, rel=0.1
    )


def test_a_band_that_lacks_a_number_by_itself_has_not_diverged() -> None:
    """Beyond all known distances a point stays unknown; that is no step gone wrong."""
    params, run = replace(SMALL, rays=512), DetachedRun()
    course = from_stereo(swollen_ball(), a_scene(), params)
    course.band.distance[np.argmax(course.band.distance)] = np.nan
    refine(course, 0, a_scene(), params, run)
    assert run.warnings == []
