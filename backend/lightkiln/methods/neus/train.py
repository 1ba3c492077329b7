# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: NeuS' recipe from its parameters.

It must not know how a surface is learned: that is `course`.
"""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.neural_render import Sampling
from lightkiln.fields.neural_surface import Design
from lightkiln.methods.spec import Run
from lightkiln.training.surface_fit import Recipe
from lightkiln.training.surface_objective import Weights

from . import Params
from .course import Plan, learned

SKIP_FROM = 8
"""Hidden layers from which on the input joins again halfway."""
WORLD_DEPTH = 8
WORLD_SAMPLES = 32
RADIUS = 0.5
"""Of the ball that the surface starts as, in a unit ball."""
BALL_SHARPNESS, HULL_SHARPNESS = 20.0, 60.0
"""At the start; around a hull the surface is already near."""
GAIN = 10.0
"""s = exp(10 v)."""
HULL_STEPS = 200
POINTS = 512
"""Of the surface, in a step."""


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """Return the surface that the photographs taught, coloured from them."""
    return learned(inputs, plan(inputs, params), run)


def plan(inputs: Inputs, params: Params) -> Plan:
    """What is to be done with those parameters."""
    from_hull = params.start == "hull" and inputs.has_masks
    recipe = Recipe(
        design=Design(
            encoding=params.octaves,
            width=params.width,
            depth=params.depth,
            skip=params.depth >= SKIP_FROM,
            color_width=params.color_width,
            color_depth=params.color_depth,
            world_width=0 if inputs.has_masks else params.world_width,
            world_depth=WORLD_DEPTH,
            codes=0,
            num_photos=len(inputs.views),
            radius=RADIUS,
            sharpness=HULL_SHARPNESS if from_hull else BALL_SHARPNESS,
            sharpness_gain=GAIN,
            taps=0,
        ),
        sampling=Sampling(
            even=params.samples, rounds=params.rounds, more=params.more, world=WORLD_SAMPLES
        ),
        weights=Weights(
            color=1.0,
            eikonal=params.eikonal,
            mask=params.mask,
            curvature=0.0,
            points=params.points,
        ),
        levels=None,
        num_steps=params.steps,
        rays=params.batch,
        points=POINTS,
        rate=params.rate,
        stairs=False,
        decay=0.0,
        annealed=0.0 if inputs.has_masks else params.anneal,
        sharpest=params.sharpest,
    )
    return Plan(
        recipe=recipe,
        hull_steps=min(HULL_STEPS, params.steps) if from_hull else 0,
        time_budget=params.time_budget,
        max_side=params.max_side,
        resolution=params.resolution,
        faces=params.faces,
    )
