# SPDX-License-Identifier: GPL-3.0-or-later
"""How a solid is learned of words: begun, stepped, shown, made a mesh.

With `nerf-then-surface` a density learns for the first half, and its surface goes on from there.
It must not know which prior answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.capture.inputs import TextInputs
from lightkiln.fields.blob_radiance import BlobRadiance
from lightkiln.fields.surface_grid import SurfaceGrid, ball_grid
from lightkiln.fields.surface_render import SurfaceSolid
from lightkiln.methods.spec import Run
from lightkiln.ops.picture import RenderedImage
from lightkiln.priors.manifest import Manifest
from lightkiln.training.density_stage import DensityStage, surface_of
from lightkiln.training.distillation.guide import Guide
from lightkiln.training.mesh_start import grid_from
from lightkiln.training.prompt_fit import PromptFit, PromptRecipe, Stage
from lightkiln.training.prompt_pictures import Placed, finished, mesh_of
from lightkiln.training.references import References
from lightkiln.training.schedule import Clock
from lightkiln.training.surface_fit import FallenBack
from lightkiln.training.surface_stage import SurfaceStage

from . import NERF, Params

LEARN_SHARE, MESH_SHARE = 0.9, 0.05
MESH_SECONDS = 0.05
"""Part of the time left that is kept for the mesh."""
DENSITY_UNTIL = 0.5
"""Progress at which a density becomes a surface."""
BEGUN = 0.4
"""Progress at which a run begins that is given a mesh: it is refined, not made anew."""
START_RADIUS = 0.5
FEW = 0.4
"""Of the steps that were due: with fewer a thing has not come out yet."""
MOST_FALLS = 8
"""Steps that may go wrong: rates are then 1/256 of what they were, and nothing would be learned."""
COARSE_SIDE, COARSE_FACES = 64, 50_000
PREVIEW_PIXELS = {"cpu": 160 * 120, "cuda": 480 * 270}
SMALL = 0.75
"""Of the pictures' size, before they grow."""
GROWN = 0.4
TABLES = 14
"""Rows of a level of the density's hash grid, as a power of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be made."""

    guide: Guide
    manifest: Manifest
    references: tuple[References, ...]


class Course:
    """A run: the solid that learns now, and its place in the whole."""

    def __init__(self, inputs: TextInputs, asked: Asked, params: Params, run: Run) -> None:
        self._region, self._asked, self._params, self._run = inputs.region, asked, params, run
        state = run.resume()
        if state is not None:
            self.fit = self._fit(_stage_of(state, params, run))
            self.fit.restore(state)
        elif inputs.start is not None:
            self.fit = self._fit(self._surface(grid_from(inputs.start, params.resolution)))
            self.fit.num_done = round(BEGUN * params.steps)
        elif params.field == NERF:
            self.fit = self._fit(_density(params, run))
        else:
            side = SurfaceStage.first_side(params.resolution)
            self.fit = self._fit(self._surface(ball_grid(side, START_RADIUS)))
        self._clock = Clock(params.steps, self._seconds())

    def learn(self) -> None:
        """Step until all is done, the time is over or the run is to finish."""
        if isinstance(self.fit.stage, DensityStage):
            self._steps(until=DENSITY_UNTIL)
            self._become_a_surface()
        self._steps(until=1.0)

    def rendered(self, camera: Camera) -> RenderedImage:
        """What the camera sees of the thing so far."""
        placed = Placed(self.fit.stage.solid, self._region)
        return placed.rendered(camera, PREVIEW_PIXELS[self._run.device])

    def coarse_mesh(self) -> TriangleMesh | None:
        """The thing so far; None if there is nothing."""
        grid = self._grid()
        if grid.side > COARSE_SIDE:
            grid = grid.finer(COARSE_SIDE)
        return mesh_of(grid, self._region, COARSE_FACES)

    def finished(self) -> TriangleMesh:
        """The thing; raises `NothingReconstructed`."""
        return finished(self._grid(), self._region, self._params.faces)

    def _steps(self, until: float) -> None:
        total, done, falls = self._params.steps, self.fit.num_done, 0
        for step in self._run.steps(max(round(until * total) - done, 1)):
            u = self._clock.progress(done + step)
            if u >= until:
                self._tell_if_few(done + step, until)
                break
            try:
                figures = self.fit.step(u)
            except FallenBack:
                self._run.warn("A step of learning diverged; it was taken back.")
                falls += 1
                if falls == MOST_FALLS:
                    self._run.warn("Steps go on diverging: the last state without it is used.")
                    break
                continue
            self._run.record(loss=figures.loss, **figures.told)

    def _tell_if_few(self, done: int, until: float) -> None:
        """The time was over; a thing of few steps is hardly begun, and that should be known."""
        total = self._params.steps
        if done < FEW * until * total:
            self._run.warn(
                f"The time was over after {done:,} of {total:,} steps: allow more of it, or run "
                "this while the machine does nothing else."
            )

    def _become_a_surface(self) -> None:
        assert isinstance(self.fit.stage, DensityStage)
        done = self.fit.num_done
        self.fit = self._fit(
            self._surface(surface_of(self.fit.stage.solid, self._params.resolution))
        )
        self.fit.num_done = done

    def _grid(self) -> SurfaceGrid:
        stage = self.fit.stage
        if isinstance(stage, DensityStage):
            return surface_of(stage.solid, COARSE_SIDE)
        assert isinstance(stage, SurfaceStage)
        return stage.solid.grid

    def _surface(self, grid: SurfaceGrid) -> SurfaceStage:
        solid = SurfaceSolid(grid, sharpness=1.0).to(self._run.device)
        return SurfaceStage(solid, self._params.resolution)

    def _fit(self, stage: Stage) -> PromptFit:
        asked = self._asked
        return PromptFit(
            stage,
            asked.guide,
            asked.manifest,
            _recipe(self._params, asked.manifest),
            asked.references,
            self._run.seed,
        )

    def _seconds(self) -> float:
        return min(self._params.time_budget, (1.0 - MESH_SECONDS) * self._run.seconds_left())


def learned(inputs: TextInputs, asked: Asked, params: Params, run: Run) -> TriangleMesh:
    """Return what the guide led to."""
    course = Course(inputs, asked, params, run)
    run.preview(course.rendered)
    run.preview_mesh(course.coarse_mesh)
    run.checkpoint(lambda: course.fit.state())
    with run.phase("learning", LEARN_SHARE):
        course.learn()
    with run.phase("mesh", MESH_SHARE):
        return course.finished()


def _stage_of(state: Mapping[str, NDArray[Any]], params: Params, run: Run) -> Stage:
    """One that can have the state."""
    if "distance" not in state:
        return _density(params, run)
    grid = ball_grid(len(state["distance"]), START_RADIUS)
    return SurfaceStage(SurfaceSolid(grid, sharpness=1.0).to(run.device), params.resolution)


def _density(params: Params, run: Run) -> DensityStage:
    solid = BlobRadiance(
        num_levels=8,
        finest=2 * params.resolution,
        log2_size=TABLES,
        width=32,
        samples=2 * params.resolution,
        seed=run.seed,
    ).to(run.device)
    solid.refresh(np.random.default_rng(run.seed))
    return DensityStage(solid, run.seed)


def _recipe(params: Params, manifest: Manifest) -> PromptRecipe:
    """No finer than the prior looks."""
    size = min(params.size, manifest.size)
    weights = ("eikonal", "smooth", "sparse", "decided", "orientation")
    return PromptRecipe(
        batch=params.batch,
        size=size,
        size_first=max(1, round(SMALL * size)),
        grown=GROWN,
        colors_until=params.colors_until,
        weights={name: getattr(params, name) for name in weights},
    )
