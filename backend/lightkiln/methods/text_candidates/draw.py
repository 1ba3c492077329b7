# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: four sides of a prompt for each seed, in one picture.

    front right
    back  left       as DreamFusion draws them first for the same seed, steps and guidance

It must not know what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lightkiln.capture.inputs import TextInputs
from lightkiln.methods.spec import Run
from lightkiln.priors.catalogue import open_prior
from lightkiln.priors.manifest import Manifest, Style
from lightkiln.priors.prior import Words
from lightkiln.priors.sampling import sample
from lightkiln.training.prompt_views import four_sides, placed

from . import Params

PRIOR_SHARE = 0.2
SIDE = 256
"""Pixels of one of the four."""
PAPER = 0.93
"""sRGB value of what is behind the thing."""


def draw(
    inputs: TextInputs, params: Params, run: Run
) -> Iterator[tuple[int, UInt8[NDArray[Any], "H W 3"]]]:
    """Yield a seed and its picture, `count` times."""
    with run.phase("prior", PRIOR_SHARE):
        device = torch.device(run.device)
        prior = open_prior(params.prior, device, run.warn)
        words = prior.words(inputs.prompt, inputs.negative)
        _tell(words, run)
    viewpoints = placed(four_sides(prior.manifest), device)
    with run.phase("drawing", 1.0 - PRIOR_SHARE):
        for index in run.steps(params.count):
            pictures = sample(
                prior,
                words,
                viewpoints,
                _style(prior.manifest),
                steps=params.steps,
                guidance=params.guidance or prior.manifest.guidance,
                seed=run.seed + index,
            )
            yield run.seed + index, together(pictures.cpu())


def together(pictures: Float[Tensor, "4 c h w"]) -> UInt8[NDArray[Any], "H W 3"]:
    """Four pictures as one, two by two, before paper where they are transparent."""
    front, right, back, left = (_shown(picture) for picture in pictures)
    rows = np.concatenate([front, right], axis=1), np.concatenate([back, left], axis=1)
    return np.concatenate(rows, axis=0)


def _shown(picture: Float[Tensor, "c h w"]) -> UInt8[NDArray[Any], "H W 3"]:
    opaque = picture[:3] + PAPER * (1.0 - picture[3:]) if len(picture) == 4 else picture
    pixels = (255.0 * opaque.clamp(0.0, 1.0)).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC))


def _style(manifest: Manifest) -> Style:
    return Style.SHADED if Style.SHADED in manifest.styles else Style.ALBEDO


def _tell(words: Words, run: Run) -> None:
    """Say which words meant nothing, and how the others were taken."""
    run.note(f"Understood as: {words.understood}.")
    if words.unknown:
        named = ", ".join(f"{word!r}" for word in words.unknown)
        run.warn(f"This prior does not know {named}; the rest was taken as: {words.understood}.")
