# SPDX-License-Identifier: GPL-3.0-or-later
"""What methods of words have in common: the prior is opened and asked, and draws four sides.

It must not know what is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from lightkiln.capture.inputs import TextInputs
from lightkiln.priors import catalogue
from lightkiln.priors.manifest import Manifest, Style
from lightkiln.priors.prior import Prior, Words
from lightkiln.priors.sampling import sample, steps_of
from lightkiln.training.prompt_views import four_sides, placed

from .spec import Run


def opened(
    inputs: TextInputs, prior: str, run: Run, tell: Callable[[str], None]
) -> tuple[Prior, Words]:
    """The prior of that name and the prompt as it understands it; unknown words are warned of.

    `tell` gets what it says while it is loaded. Raises `InvalidPrompt`.
    """
    found = catalogue.open_prior(prior, torch.device(run.device), tell)
    words = found.words(inputs.prompt, inputs.negative)
    run.note(f"Understood as: {words.understood}.")
    if words.unknown:
        named = ", ".join(f"{word!r}" for word in words.unknown)
        run.warn(f"This prior does not know {named}; the rest was taken as: {words.understood}.")
    return found, words


def four_pictures(
    prior: Prior,
    words: Words,
    run: Run,
    *,
    steps: int,
    guidance: float,
    seed: int,
    ticks: Iterable[object],
) -> Float[Tensor, "4 c h w"]:
    """Front, right, back and left, as the prior draws them; guidance 0: as suits it.

    One of `ticks` is taken before each step, and drawing ends with them: so a run can be stopped.
    """
    spans = (span for span, _ in zip(steps_of(steps), ticks, strict=False))
    return sample(
        prior,
        words,
        placed(four_sides(prior.manifest), torch.device(run.device)),
        lit(prior.manifest),
        spans=spans,
        guidance=guidance or prior.manifest.guidance,
        seed=seed,
    )


def lit(manifest: Manifest) -> Style:
    """The style of pictures that people look at."""
    return Style.SHADED if Style.SHADED in manifest.styles else Style.ALBEDO
