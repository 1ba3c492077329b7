# SPDX-License-Identifier: GPL-3.0-or-later
"""How a radiance field is learned, whichever it is: begun, stepped, shown, compared, made a mesh.

Where masks tell, nothing is looked for outside of their hull. It must not know what is special
about a method: that is its `Learner`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from lightkiln_shared.geometry import TriangleMesh
from torch import Tensor

from lightkiln.capture.inputs import Inputs, LoadedView
from lightkiln.fields.radiance_render import Radiance
from lightkiln.methods.spec import Run
from lightkiln.metrics.lpips import hindrance
from lightkiln.training.ball import Ball, BallPhotos, ball_about
from lightkiln.training.hull_start import Solid, carved
from lightkiln.training.radiance_fit import RadianceFit, Recipe
from lightkiln.training.radiance_pictures import KEPT_OUT_FROM, Likeness, Pictures, parted
from lightkiln.training.schedule import Clock
from lightkiln.training.surface_fit import FallenBack

START_SHARE, LEARN_SHARE, COMPARE_SHARE, MESH_SHARE = 0.06, 0.84, 0.04, 0.06
MESH_SECONDS = 0.12
"""Part of the time left that is kept for the pictures and the mesh."""
MOST_FALLS = 8
"""Steps that may go wrong: rates are then 1/256 of what they were, and nothing would be learned."""
BESIDE = 1.5
"""Half diagonals of a cell by which the hull may be missed: it is a lattice of its own."""
COARSE_RESOLUTION, COARSE_FACES = 64, 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A recipe and what is around it."""

    recipe: Recipe
    cells: int
    """Along a side of the cube about the ball, that tell where something may be."""
    threshold: float
    """1 / radius of the ball."""
    time_budget: float
    """Seconds after which learning ends."""
    max_side: int
    """Pixels; larger photographs are shrunk."""
    resolution: int
    """Of the mesh, steps along the region's longest side."""
    faces: int
    preview_pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A field to be taught."""

    radiance: Radiance
    tables: Tensor | None
    """The parameter of which a step touches few rows, if there is one."""


def learned(
    inputs: Inputs, plan: Plan, make: Callable[[Tensor], Learner], run: Run
) -> TriangleMesh:
    """Return the surface of the density that the photographs taught, coloured from them."""
    ball = ball_about(inputs.region)
    views, kept_out = parted(inputs.views)
    with run.phase("start", START_SHARE):
        hull = carved(inputs) if inputs.has_masks else None
        learner = make(_cells(hull, ball, plan.cells))
        photos = BallPhotos(views, ball, plan.max_side, np.zeros((0, 3)))
        fit = RadianceFit(learner.radiance, learner.tables, photos, plan.recipe, run.seed)
        state = run.resume()
        if state is not None:
            fit.restore(state)
    pictures = Pictures(learner.radiance, ball, inputs.region, hull, plan.preview_pixels)
    run.preview(pictures.rendered)
    run.frames(pictures.frame)
    run.preview_mesh(lambda: pictures.coarse_mesh(plan.threshold, COARSE_RESOLUTION, COARSE_FACES))
    run.checkpoint(fit.state)
    with run.phase("learning", LEARN_SHARE):
        _learn(fit, plan, run)
    with run.phase("comparing", COMPARE_SHARE):
        _compare(pictures, kept_out, run)
    with run.phase("mesh", MESH_SHARE):
        return pictures.finished(inputs.views, plan.threshold, plan.resolution, plan.faces)


def _compare(pictures: Pictures, kept_out: Sequence[LoadedView], run: Run) -> None:
    """Record the means over the views that were kept out, as far as there is time for them."""
    found: list[Likeness] = []
    for index in run.steps(len(kept_out)):
        found.append(pictures.likeness(kept_out[index]))
        run.record(
            heldout_psnr=float(np.mean([each.psnr for each in found])),
            heldout_ssim=float(np.mean([each.ssim for each in found])),
        )
        if found[-1].lpips is not None:
            run.record(heldout_lpips=float(np.mean([each.lpips for each in found])))
    if not kept_out:
        run.note(f"No views were kept out to compare with: there are fewer than {KEPT_OUT_FROM}.")
    elif why := hindrance():
        run.note(f"LPIPS is not measured: {why}.")


def _cells(hull: Solid | None, ball: Ball, side: int) -> Tensor:
    """Which cells (side, side, side) bool of the cube about the ball may hold something."""
    middles = (np.arange(side) + 0.5) * (2.0 / side) - 1.0
    x = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1).reshape(-1, 3)
    reach = BESIDE * np.sqrt(3.0) / side
    near = np.linalg.norm(x, axis=-1) < 1.0 + reach
    if hull is not None:
        world = ball.centre + ball.radius * x[near]
        near[near] = hull.at(world) < ball.radius * reach + hull.lattice.voxel
    return torch.from_numpy(near.reshape(side, side, side))


def _learn(fit: RadianceFit, plan: Plan, run: Run) -> None:
    """Step until the steps are done, the time is over or the run is to finish."""
    total, done = plan.recipe.num_steps, fit.num_done
    seconds = min(plan.time_budget, (1.0 - MESH_SECONDS) * run.seconds_left())
    clock, falls = Clock(total, seconds), 0
    for step in run.steps(max(total - done, 1)):
        u = clock.progress(done + step)
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
        run.record(loss=figures.loss, psnr=figures.psnr)
