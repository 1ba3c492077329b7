# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: the prior, the guide and what is known, from words and parameters.

It must not know how a solid learns: that is `course`.
"""

from __future__ import annotations

from itertools import chain

import torch
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import TextInputs
from lightkiln.methods.prompts import four_pictures, lit, opened
from lightkiln.methods.spec import Run
from lightkiln.priors.prior import Prior, Words
from lightkiln.training.distillation.guide import guide_of
from lightkiln.training.distillation.recipe import Form, Recipe, Timing
from lightkiln.training.prompt_views import four_sides, part, placed
from lightkiln.training.references import References, framed

from . import Params
from .course import Asked, learned

PRIOR_SHARE, VIEWS_SHARE = 0.02, 0.03
SAMPLING_STEPS = 30
"""Of DDIM, for the four pictures."""


def generate(inputs: TextInputs, params: Params, run: Run) -> TriangleMesh:
    """Return what the prompt says, in the region, coloured."""
    device = torch.device(run.device)
    with run.phase("prior", PRIOR_SHARE):
        prior, words = opened(inputs, params.prior, run, run.note)
        guide = guide_of(prior, words, recipe(params), run.seed, device)
    with run.phase("views", VIEWS_SHARE):
        references = _references(prior, words, inputs, params, run)
    asked = Asked(guide=guide, manifest=prior.manifest, references=references)
    return learned(inputs, asked, params, run)


def recipe(params: Params) -> Recipe:
    """The distillation that the parameters choose."""
    return Recipe(
        form=Form(params.distillation),
        timing=Timing(params.timing),
        guidance=params.guidance or None,
        rescale=params.rescale,
        perp_neg=params.perp_neg,
    )


def _references(
    prior: Prior, words: Words, inputs: TextInputs, params: Params, run: Run
) -> tuple[References, ...]:
    """The pictures that are known."""
    found = []
    if params.candidates > 0.0 and prior.manifest.channels == 4:
        found.append(_candidates(prior, words, params, run))
    if inputs.image is not None and params.image_weight > 0.0:
        found.append(
            References(
                pictures=framed(inputs.image, prior.manifest.size)[None],
                viewpoints=part(four_sides(prior.manifest), slice(0, 1)),
                style=lit(prior.manifest),
                weight=params.image_weight,
            )
        )
    return tuple(found)


def _candidates(prior: Prior, words: Words, params: Params, run: Run) -> References:
    pictures = four_pictures(
        prior,
        words,
        run,
        steps=SAMPLING_STEPS,
        guidance=params.guidance,
        seed=run.seed,
        ticks=chain([None], run.steps(SAMPLING_STEPS - 1)),
    )
    return References(
        pictures=pictures,
        viewpoints=placed(four_sides(prior.manifest), torch.device(run.device)),
        style=lit(prior.manifest),
        weight=params.candidates,
    )
