# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: NeRF's field and recipe from its parameters.

It must not know how a field is learned: that is `course`.
"""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.nerf import Design, NeRF
from lightkiln.methods.spec import Run
from lightkiln.training.radiance_fit import Recipe

from . import Params
from .course import Learner, Plan, learned

CELLS = 64
RATE_LEFT = 0.1
PREVIEW_PIXELS = {"cpu": 100 * 100, "cuda": 200 * 200}


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """Return the surface of the density that the photographs taught, coloured from them."""
    return learned(
        inputs, plan(params, run.device), lambda cells: learner(inputs, params, run), run
    )


def plan(params: Params, device: str) -> Plan:
    """What is to be done with those parameters."""
    recipe = Recipe(
        num_steps=params.steps,
        rays=params.batch,
        rate=params.rate,
        rate_left=RATE_LEFT,
        decay=0.0,
        square=True,
    )
    return Plan(
        recipe=recipe,
        cells=CELLS,
        threshold=params.threshold,
        time_budget=params.time_budget,
        max_side=params.max_side,
        resolution=params.resolution,
        faces=params.faces,
        preview_pixels=PREVIEW_PIXELS[device],
    )


def learner(inputs: Inputs, params: Params, run: Run) -> Learner:
    """The networks, untaught."""
    design = Design(
        width=params.width,
        depth=params.depth,
        skip=params.skip,
        octaves=params.octaves,
        view_octaves=params.view_octaves,
        coarse=params.coarse,
        fine=params.fine,
        world=not inputs.has_masks,
    )
    return Learner(radiance=NeRF(design, run.seed).to(run.device), tables=None)
