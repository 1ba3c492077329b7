# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: four sides of a prompt for each seed, in one picture.

    front right
    back  left       as DreamFusion draws them first for the same seed, steps and guidance

It must not know what is made of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lightkiln.capture.inputs import TextInputs
from lightkiln.methods.prompts import four_pictures, opened
from lightkiln.methods.spec import Run

from . import Params

PRIOR_SHARE = 0.2
SIDE = 256
"""Pixels of one of the four."""
PAPER = 0.93
"""sRGB value of what is behind the thing."""


def draw(
    inputs: TextInputs, params: Params, run: Run
) -> Iterator[tuple[int, UInt8[NDArray[Any], "H W 3"]]]:
    """Yield a seed and its picture, `count` times, or as often as the run lets it."""
    with run.phase("prior", PRIOR_SHARE):
        prior, words = opened(inputs, params.prior, run, run.warn)
    with run.phase("drawing", 1.0 - PRIOR_SHARE):
        ticks = run.steps(params.count * params.steps)
        for seed, first in zip(range(run.seed, run.seed + params.count), ticks, strict=False):
            pictures = four_pictures(
                prior,
                words,
                run,
                steps=params.steps,
                guidance=params.guidance,
                seed=seed,
                ticks=chain([first], islice(ticks, params.steps - 1)),
            )
            yield seed, together(pictures.cpu())


def together(pictures: Float[Tensor, "4 c h w"]) -> UInt8[NDArray[Any], "H W 3"]:
    """Four pictures as one, two by two, before paper where they are transparent."""
    front, right, back, left = (_shown(picture) for picture in pictures)
    rows = np.concatenate([front, right], axis=1), np.concatenate([back, left], axis=1)
    return np.concatenate(rows, axis=0)


def _shown(picture: Float[Tensor, "c h w"]) -> UInt8[NDArray[Any], "H W 3"]:
    opaque = picture[:3] + PAPER * (1.0 - picture[3:]) if len(picture) == 4 else picture
    pixels = (255.0 * opaque.clamp(0.0, 1.0)).round().to(torch.uint8).permute(1, 2, 0).numpy()
    return np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC))
