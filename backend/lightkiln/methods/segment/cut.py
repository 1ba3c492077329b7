# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: masks by GrabCut, seeded by the region and by each other, or by a
colour key.

With w = (1/3, 1, 1), a pixel's colour c is not the key's colour k where |w (Lab(c) - Lab(k))|_2
exceeds the tolerance (CIE 1976): lightness counts less, because a lit backdrop has shadows.
It must not know files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from lightkiln_shared.errors import InvalidParams
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lightkiln.api import Inputs, NothingReconstructed, Run
from lightkiln.capture.cutting import cut_out
from lightkiln.capture.inputs import LoadedView
from lightkiln.stereo.silhouettes import found
from lightkiln.stereo.views import GreyView

from . import COLOR_KEY, Params

SIDE = 800
"""Pixels of the longer side at which outlines are cut: finer ones come from scaling."""
SLACK = 0.02
"""Of the longer side, by which the object may be larger than its coarse outline."""
LIGHTNESS = 1.0 / 3.0
SPECKLES = 3
"""Pixels: what is smaller is noise, in the object as in the background."""

Mask = Bool[NDArray[Any], "h w"]


def segment(inputs: Inputs, params: Params, run: Run) -> tuple[Mask, ...]:
    """A mask for each view; raises `NothingReconstructed` where colours do not tell it."""
    views = inputs.views
    with run.phase("masks", share=1.0):
        if params.how == COLOR_KEY:
            key = parsed_key(params.key)
            return _by_steps(run, [partial(keyed, v.image, key, params.tolerance) for v in views])
        coarse = found(views, inputs.region)
        if coarse is None:
            raise NothingReconstructed(
                "The object cannot be told from its background by colours.",
                hint="Draw the region closer around it, use a colour key, or choose mask files.",
            )
        return _by_steps(run, [partial(refined, *both) for both in zip(views, coarse, strict=True)])


def _by_steps(run: Run, cuts: Sequence[Callable[[], Mask]]) -> tuple[Mask, ...]:
    masks = [cuts[index]() for index in run.steps(len(cuts))]
    rest = [cut() for cut in cuts[len(masks) :]]  # "finish now": a mask for every view all the same
    return (*masks, *rest)


def parsed_key(text: str) -> tuple[int, int, int]:
    """The colour #rrggbb; raises `InvalidParams`."""
    if re.fullmatch(r"#[0-9a-fA-F]{6}", text) is None:
        raise InvalidParams(f"The key {text!r} is not a colour.", hint="Write it as #rrggbb.")
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def keyed(
    image: UInt8[NDArray[Any], "h w 3"], key: tuple[int, int, int], tolerance: float
) -> Bool[NDArray[Any], "h w"]:
    """What is not of the key's colour; the file's formula."""
    weights = np.array([LIGHTNESS, 1.0, 1.0], dtype=np.float32)
    away = (_lab(image) - _lab(np.array([[key]], dtype=np.uint8))) * weights
    mask = (away**2).sum(axis=-1) > tolerance**2
    return np.asarray(ndimage.median_filter(mask, size=SPECKLES))


def refined(view: LoadedView, coarse: GreyView) -> Mask:
    """The cut of a whole photograph, near its coarse mask."""
    assert coarse.mask is not None  # `found` finds one for each
    height, width = view.image.shape[:2]
    shrink = min(1.0, SIDE / max(width, height))
    size = max(1, round(width * shrink)), max(1, round(height * shrink))
    small = np.asarray(Image.fromarray(view.image).resize(size, Image.Resampling.BOX))
    likely = _resized(coarse.mask > 0.5, size)
    allowed = ndimage.binary_dilation(likely, iterations=max(1, round(SLACK * max(size))))
    return _resized(cut_out(small, allowed, likely), (width, height))


def _resized(mask: Mask, size: tuple[int, int]) -> Mask:
    grey = Image.fromarray(np.where(mask, 255, 0).astype(np.uint8))
    return np.asarray(grey.resize(size, Image.Resampling.BILINEAR)) > 127


def _lab(image: UInt8[NDArray[Any], "h w 3"]) -> NDArray[Any]:
    return np.asarray(cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB))
