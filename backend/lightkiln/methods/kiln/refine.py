# SPDX-License-Identifier: GPL-3.0-or-later
"""One level of refinement: its pixels, its steps, and what to do when a step goes wrong.

It must not know kernels or meshes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.band import Band
from lightkiln.fields.rebanding import rebanded
from lightkiln.methods.spec import Run
from lightkiln.training.backdrop import backdrop
from lightkiln.training.comparisons import Comparisons
from lightkiln.training.landmarks import landmarks
from lightkiln.training.photos import Photos, footprint, pixels_seeing, shrunk
from lightkiln.training.refinement import Beside, Refiner
from lightkiln.training.scenery import Scenery
from lightkiln.training.schedule import Clock, Level, Weights, num_steps, pace

from . import Params
from .course import Course

REBANDINGS = 2
"""Times within a level that the bricks follow the surface."""
SAVING = 20
"""Steps between two states to fall back on; on a device, previews are at most as old."""
CAUTION = 0.5
"""What is left of the rates after a step that went wrong."""
MOST_FALLS = 8
"""Steps that may go wrong: rates are then 1/256 of what they were, and nothing would be learned."""
RISEN = 4.0
"""A loss so many times what it was lately is one that diverges."""
LATELY = 0.9
"""What a step leaves of the fading mean."""
MESH_SECONDS = 0.12
"""Part of the time left that is kept for the mesh."""


def refine(course: Course, index: int, inputs: Inputs, params: Params, run: Run) -> None:
    """Work on one level until its steps are done, its time is over or the run is to finish."""
    level = course.levels[index]
    if (course.level, course.ready) != (index, True):
        course.band = rebanded(course.band, level.voxel)
        course.level, course.step, course.ready = index, 0, True
    photos = shrunk(inputs.views, _shrink(course, inputs, level, params))
    if not inputs.has_masks and course.backdrop is None:
        course.backdrop = backdrop(photos, _free(photos, course))
    pixels = pixels_seeing(photos, course.band)
    if len(pixels) == 0:
        run.warn("No photograph shows the surface that stereo found: it is left as it is.")
        return
    _Level(course, inputs, photos, pixels, params, run).work(_seconds(course, index, params, run))


class _Level:
    """A level at work."""

    def __init__(
        self,
        course: Course,
        inputs: Inputs,
        photos: Photos,
        pixels: NDArray[Any],
        params: Params,
        run: Run,
    ) -> None:
        self._course, self._pixels = course, pixels
        self._scenery = Scenery(photos=photos, exposure=course.exposure, backdrop=course.backdrop)
        self._inputs, self._params, self._run = inputs, params, run
        self._weights = Weights(
            eikonal=params.eikonal,
            curvature=params.curvature,
            anchor=params.anchor,
            opacity=params.opacity,
            patches=params.patches,
            points=params.points,
        )
        self._caution, self._falls = 1.0, 0
        self._usual = math.inf
        """The loss lately."""
        self._refiner = self._fresh()
        self._unknown = self._num_lost()
        """Numbers that the band lacks by itself: what lies beyond all known distances."""
        self._sound = self._candidate = self._state()

    def work(self, seconds: float) -> None:
        """Step until the end of the level, of `seconds` or of the run."""
        course, total = (
            self._course,
            num_steps(len(self._pixels), self._params.passes, self._params.rays),
        )
        done, moving = course.step, total // (REBANDINGS + 1) + 1
        clock = Clock(total, seconds)
        for step in self._run.steps(max(total - done, 1)):
            u = clock.progress(done + step)
            if u >= 1.0:
                break
            if step % SAVING == 0 or step % moving == moving - 1:
                self._refiner.settle()
            if step % moving == moving - 1:
                course.band = rebanded(course.band, course.band.voxel)
                self._refiner, self._candidate = self._fresh(), self._state()
                self._unknown = self._num_lost()
            elif step % SAVING == 0 and self._num_lost() <= self._unknown:
                self._candidate = self._state()
            self._step(done + step, u)
            course.step = done + step + 1
            if self._falls == MOST_FALLS:
                self._run.warn("Steps go on diverging: the mesh is made from the last sound state.")
                break
        self._refiner.settle()
        if self._num_lost() > self._unknown:
            self._fall_back()

    def _step(self, step: int, u: float) -> None:
        settings = pace(u, self._weights, self._caution)
        try:
            figures = self._refiner.step(step, self._params.rays, settings)
            if figures.loss > RISEN * self._usual:
                raise FloatingPointError("the loss has risen")
        except FloatingPointError:
            self._fall_back()
            return
        # The loss is that of the state before the step.
        self._sound = self._candidate
        before = figures.loss if math.isinf(self._usual) else self._usual
        self._usual = LATELY * before + (1.0 - LATELY) * figures.loss
        self._course.sharpness = settings.sharpness
        self._run.record(
            loss=figures.loss,
            psnr=figures.psnr,
            sharpness=settings.sharpness,
            eikonal=figures.eikonal,
        )

    def _fresh(self) -> Refiner:
        run = self._run
        return Refiner(
            self._course.band, self._scenery, self._beside(), self._pixels, run.seed, run.device
        )

    def _beside(self) -> Beside:
        """What is made anew with each band."""
        course, params = self._course, self._params
        comparisons, known = None, None
        if params.patches > 0.0:
            photos, seed = self._scenery.photos, self._run.seed
            comparisons = Comparisons(self._inputs.views, photos, self._pixels, course.band, seed)
        if params.points > 0.0:
            known = landmarks(self._inputs, course.band, course.sharpness)
        return Beside(comparisons, known)

    def _state(self) -> tuple[Band, NDArray[Any], NDArray[Any]]:
        """The band and what has been learned in it, to go back to."""
        band = self._course.band
        return band, band.distance.copy(), band.color.copy()

    def _num_lost(self) -> int:
        """How many of the band's values are no numbers."""
        band = self._course.band
        return int((~np.isfinite(band.distance)).sum() + (~np.isfinite(band.color)).sum())

    def _fall_back(self) -> None:
        self._course.band, distance, color = self._sound
        self._course.band.distance[:], self._course.band.color[:] = distance, color
        self._candidate, self._unknown = self._sound, self._num_lost()
        self._caution *= CAUTION
        self._falls += 1
        self._refiner = self._fresh()
        self._run.warn("A step of refinement diverged; it was taken back and goes on more slowly.")


def _shrink(course: Course, inputs: Inputs, level: Level, params: Params) -> float:
    """How small photographs may be: a pixel as wide as a voxel, at most `max_side` of them."""
    points = np.argwhere(course.band.table >= 0).mean(axis=0) * 8.0
    pixel = footprint(inputs.views, course.band.origin + course.band.voxel * points)
    side = max(max(view.camera.width, view.camera.height) for view in inputs.views)
    return min(1.0, params.max_side / side, max(pixel / level.voxel, 0.5))


def _free(photos: Photos, course: Course) -> NDArray[Any]:
    """Which pixels look past the band: they show the background alone."""
    free = np.ones(len(photos.colors), dtype=bool)
    free[pixels_seeing(photos, course.band)] = False
    return free


def _seconds(course: Course, index: int, params: Params, run: Run) -> float:
    """This level's part of the time, of which the mesh gets its own."""
    left = min(params.time_budget, (1.0 - MESH_SECONDS) * run.seconds_left())
    part = course.levels[index].share / sum(level.share for level in course.levels[index:])
    whole = sum(level.share for level in course.levels[index:])
    return min(left * part, params.time_budget * whole * part)
