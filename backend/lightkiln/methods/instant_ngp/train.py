# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: instant-ngp's field and recipe from its parameters.

It must not know how a field is learned: that is `methods.nerf.course`.
"""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh
from torch import Tensor

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.hash_radiance import Design, HashRadiance
from lightkiln.fields.radiance_render import SparseRadiance
from lightkiln.methods.nerf.course import Learner, Plan, learned
from lightkiln.methods.spec import Run
from lightkiln.training.radiance_fit import Recipe

from . import Params

RATE_LEFT = 0.05
DECAY = 1e-6
PREVIEW_PIXELS = {"cpu": 200 * 200, "cuda": 480 * 270}


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """Return the surface of the density that the photographs taught, coloured from them."""
    return learned(
        inputs, plan(params, run.device), lambda cells: learner(inputs, params, cells, run), run
    )


def plan(params: Params, device: str) -> Plan:
    """What is to be done with those parameters."""
    recipe = Recipe(
        num_steps=params.steps,
        rays=params.batch,
        rate=params.rate,
        rate_left=RATE_LEFT,
        decay=DECAY,
        square=False,
    )
    return Plan(
        recipe=recipe,
        cells=params.cells,
        threshold=params.threshold,
        time_budget=params.time_budget,
        max_side=params.max_side,
        resolution=params.resolution,
        faces=params.faces,
        preview_pixels=PREVIEW_PIXELS[device],
    )


def learner(inputs: Inputs, params: Params, cells: Tensor, run: Run) -> Learner:
    """The field, untaught; `cells` are those in which it may be."""
    world = not inputs.has_masks
    field = HashRadiance(
        Design(
            num_levels=params.num_levels,
            coarsest=params.coarsest,
            finest=max(params.finest, params.coarsest),
            log2_size=params.log2_size,
            num_features=params.num_features,
            width=params.width,
            world=world,
        ),
        run.seed,
    )
    world_samples = params.world_samples if world else 0
    radiance = SparseRadiance(field, cells, params.samples, world_samples).to(run.device)
    return Learner(radiance=radiance, tables=field.tables)
