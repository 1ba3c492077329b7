# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: Neuralangelo's recipe from its parameters (section 4 of the paper).

The levels' resolutions count over the cube about the region's ball. The paper's step of the
gradient is a cell; half a cell is what its authors are known to have used, and the default here.
It must not know how a surface is learned: that is `methods.neus.course`.
"""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.neural_render import Sampling
from lightkiln.fields.neural_surface import Design, GridDesign
from lightkiln.methods.neus.course import Plan, learned
from lightkiln.methods.spec import Run
from lightkiln.ops.kernels.hash_grid import hash_levels
from lightkiln.training.surface_fit import Recipe
from lightkiln.training.surface_objective import Weights
from lightkiln.training.surface_schedule import Levels

from . import Params

TAPS = {"4 taps": 4, "6 taps": 6, "own": 0}
DEPTH = 1
"""Hidden layers of the distance."""
WORLD_DEPTH, WORLD_SAMPLES = 8, 32
RADIUS = 0.5
"""Of the ball that the surface starts as, in a unit ball."""
BALL_SHARPNESS, HULL_SHARPNESS = 20.0, 60.0
"""At the start; around a hull the surface is already near."""
COLOR = 3.0
"""The colour's loss sums over the channels, and the term is their mean."""
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
        design=_design(inputs, params, HULL_SHARPNESS if from_hull else BALL_SHARPNESS),
        sampling=Sampling(
            even=params.samples, rounds=params.rounds, more=params.more, world=WORLD_SAMPLES
        ),
        weights=Weights(
            color=COLOR,
            eikonal=params.eikonal,
            mask=params.mask,
            curvature=params.curvature,
            points=params.points,
        ),
        levels=_levels(params),
        num_steps=params.steps,
        rays=params.batch,
        points=POINTS,
        rate=params.rate,
        stairs=True,
        decay=params.decay,
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


def _design(inputs: Inputs, params: Params, sharpness: float) -> Design:
    return Design(
        encoding=GridDesign(
            num_levels=params.levels,
            coarsest=params.coarsest,
            finest=max(params.finest, params.coarsest),
            log2_size=params.log2_size,
            num_features=params.features,
        ),
        width=params.width,
        depth=DEPTH,
        skip=False,
        color_width=params.color_width,
        color_depth=params.color_depth,
        world_width=0 if inputs.has_masks else params.world_width,
        world_depth=WORLD_DEPTH,
        codes=params.code,
        num_photos=len(inputs.views),
        radius=RADIUS,
        sharpness=sharpness,
        sharpness_gain=1.0,
        taps=TAPS[params.gradient],
    )


def _levels(params: Params) -> Levels:
    finest = max(params.finest, params.coarsest)
    levels = hash_levels(params.levels, params.coarsest, finest, params.log2_size)
    return Levels(
        resolutions=levels.resolutions,
        at_first=params.first_levels,
        share=params.level_share,
        cells=params.step,
    )
