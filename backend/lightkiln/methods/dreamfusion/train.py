# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: the prior, the guide and what is known, from words and parameters.

It must not know how a solid learns: that is `course`.
"""

from __future__ import annotations

import torch
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import TextInputs
from lightkiln.methods.spec import Run
from lightkiln.priors import catalogue
from lightkiln.priors.manifest import Manifest, Style
from lightkiln.priors.prior import Prior, Words
from lightkiln.priors.sampling import sample
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
        prior = catalogue.open_prior(params.prior, device, run.note)
        words = prior.words(inputs.prompt, inputs.negative)
        _tell(words, run)
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


def _tell(words: Words, run: Run) -> None:
    """Say how the prompt was understood."""
    run.note(f"Understood as: {words.understood}.")
    if words.unknown:
        named = ", ".join(f"{word!r}" for word in words.unknown)
        run.warn(f"This prior does not know {named}; the rest was taken as: {words.understood}.")


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
                style=_lit(prior.manifest),
                weight=params.image_weight,
            )
        )
    return tuple(found)


def _candidates(prior: Prior, words: Words, params: Params, run: Run) -> References:
    viewpoints = placed(four_sides(prior.manifest), torch.device(run.device))
    pictures = sample(
        prior,
        words,
        viewpoints,
        _lit(prior.manifest),
        steps=SAMPLING_STEPS,
        guidance=params.guidance or prior.manifest.guidance,
        seed=run.seed,
    )
    return References(
        pictures=pictures,
        viewpoints=viewpoints,
        style=_lit(prior.manifest),
        weight=params.candidates,
    )


def _lit(manifest: Manifest) -> Style:
    return Style.SHADED if Style.SHADED in manifest.styles else Style.ALBEDO
