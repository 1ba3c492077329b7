# SPDX-License-Identifier: GPL-3.0-or-later
"""How a neural surface is learned, whichever it is: begun, stepped, shown, saved, made a mesh.

It must not know what is special about a method: that is its `Recipe`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.capture.inputs import Inputs
from lightkiln.capture.matching import MAX_FEATURES
from lightkiln.capture.tracks import sure, tracked
from lightkiln.fields.neural_surface import NeuralSurface
from lightkiln.methods.spec import Run
from lightkiln.training.ball import Ball, BallPhotos, ball_about
from lightkiln.training.hull_start import become, carved
from lightkiln.training.processes import Group, group_on
from lightkiln.training.schedule import Clock
from lightkiln.training.surface_fit import FallenBack, Recipe, SurfaceFit
from lightkiln.training.surface_pictures import Pictures

START_SHARE, LEARN_SHARE, MESH_SHARE = 0.08, 0.84, 0.08
MESH_SECONDS = 0.12
"""Part of the time left that is kept for the mesh."""
COARSE = 64
"""Resolution of the meshes that nobody wants: those of all processes but the first."""
MOST_FALLS = 8
"""Steps that may go wrong: rates are then 1/256 of what they were, and nothing would be learned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A recipe and what is around it."""

    recipe: Recipe
    hull_steps: int
    """With which the surface becomes the masks' hull; 0: it starts as a ball."""
    time_budget: float
    """Seconds after which learning ends."""
    max_side: int
    """Pixels; larger photographs are shrunk."""
    resolution: int
    """Of the mesh, steps along the region's longest side."""
    faces: int


def learned(inputs: Inputs, plan: Plan, run: Run) -> TriangleMesh:
    """Return the surface that the photographs taught, coloured from them."""
    with group_on(run.device) as group:
        design = plan.recipe.design
        surface = NeuralSurface(design, run.seed).to(group.device)
        ball = ball_about(inputs.region)
        state = run.resume()
        with run.phase("start", START_SHARE):
            if state is None:
                _begin(surface, ball, inputs, plan, run, group)
            photos = _photos(ball, inputs, plan)
        fit = SurfaceFit(surface, photos, plan.recipe, run.seed, group)
        if state is not None:
            fit.restore(state)
        pictures = Pictures(surface, ball, inputs.region, plan.recipe.sampling)
        run.preview(pictures.rendered)
        run.preview_mesh(pictures.coarse_mesh)
        run.checkpoint(fit.state)
        with run.phase("learning", LEARN_SHARE):
            _learn(fit, plan, run, group)
        with run.phase("mesh", MESH_SHARE):
            resolution = plan.resolution if group.is_first else min(plan.resolution, COARSE)
            return pictures.finished(inputs, resolution, plan.faces)


def _begin(
    surface: NeuralSurface, ball: Ball, inputs: Inputs, plan: Plan, run: Run, group: Group
) -> None:
    levels = plan.recipe.levels
    if surface.grid is not None and levels is not None:
        surface.grid.active_levels = levels.active(0.0)
    if plan.hull_steps and group.all_say(not run.finishing):
        steps = group.together(run.steps(plan.hull_steps))
        become(surface, carved(inputs), ball, steps, run.seed)


def _photos(ball: Ball, inputs: Inputs, plan: Plan) -> BallPhotos:
    wanted = plan.recipe.weights.points > 0.0 and plan.recipe.points > 0
    points = _points(inputs) if wanted else np.zeros((0, 3))
    return BallPhotos(inputs.views, ball, plan.max_side, points)


def _points(inputs: Inputs) -> NDArray[Any]:
    """Places (n, 3) on surfaces, metres, that views recognised; perhaps none."""
    cameras = [view.camera for view in inputs.views]
    return sure(cameras, tracked(inputs.views, MAX_FEATURES)).positions


def _learn(fit: SurfaceFit, plan: Plan, run: Run, group: Group) -> None:
    """Step until the steps are done, the time is over or the run is to finish."""
    total, done = plan.recipe.num_steps, fit.num_done
    seconds = min(plan.time_budget, (1.0 - MESH_SECONDS) * run.seconds_left())
    clock, falls = Clock(total, seconds), 0
    for step in group.together(run.steps(max(total - done, 1))):
        u = group.of_the_first(clock.progress(done + step))
        if u >= 1.0:
            break
        try:
            figures = fit.step(u)
        except FallenBack:
            run.warn("A step of learning diverged; it was taken back and goes on more slowly.")
            falls += 1
            if falls == MOST_FALLS:
                run.warn("Steps go on diverging: the mesh is made from the last state without it.")
                break
            continue
        run.record(
            loss=figures.loss,
            psnr=figures.psnr,
            sharpness=figures.sharpness,
            eikonal=figures.eikonal,
        )
