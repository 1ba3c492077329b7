# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: stereo, refinement level by level, the mesh.

It must not know how a step is made (`training`) or how surfaces are found (`stereo`).
"""

from __future__ import annotations

import numpy as np
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import Inputs
from lightkiln.methods.spec import Run
from lightkiln.stereo import measured
from lightkiln.stereo.estimate import SHARES, StereoSettings, estimate

from . import Params, pictures
from .course import Course
from .refine import refine
from .start import from_checkpoint, from_stereo

FINER, ENOUGH = 1.4, 224
"""Depth maps are fused on so many times the voxels, up to so many: a wall three voxels thick comes
out too thick by a third of one, and refinement leaves it so. A bowl at 160 voxels: 0.15 % off, from
224 to 160: 0.06 %."""
RESOLUTION = "resolution"
"""The parameter, as it is saved."""
STEREO_SHARE, REFINE_SHARE, MESH_SHARE = 0.4, 0.5, 0.1


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """Return the surface that looks like the photographs, coloured from them."""
    course = _begun(inputs, params, run)
    run.preview(lambda camera: pictures.rendered(course, camera))
    run.preview_mesh(lambda: pictures.coarse_mesh(course))
    run.checkpoint(lambda: {**course.state(), RESOLUTION: np.array(params.resolution)})
    for index, level in enumerate(course.levels):
        with run.phase(f"refine {index + 1} of {len(course.levels)}", REFINE_SHARE * level.share):
            if index >= course.level and not run.finishing:
                refine(course, index, inputs, params, run)
    with run.phase("mesh", MESH_SHARE):
        return pictures.finished(course, inputs, params.faces)


def _begun(inputs: Inputs, params: Params, run: Run) -> Course:
    state = run.resume()
    if state is not None and state[RESOLUTION] == params.resolution:  # otherwise it has to be less
        for name, part in SHARES.items():
            with run.phase(name, STEREO_SHARE * part):
                pass  # done before the pause
        return from_checkpoint(state, inputs)
    found = estimate(inputs, stereo_settings(params, inputs), run, STEREO_SHARE)
    told = None if run.finishing else measured.warning(found.grid)
    if told is not None:
        run.warn(told)
    return from_stereo(found.grid, inputs, params)


def stereo_settings(params: Params, inputs: Inputs) -> StereoSettings:
    """How stereo is asked for a surface to begin with."""
    # Found outlines are not as sharp as that, and finding them takes its time already.
    finer = min(round(FINER * params.resolution), ENOUGH) if inputs.has_masks else 0
    return StereoSettings(resolution=max(params.resolution, finer), max_side=params.stereo_side)
