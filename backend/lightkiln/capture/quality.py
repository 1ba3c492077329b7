# SPDX-License-Identifier: GPL-3.0-or-later
"""Which photographs of a set are blurred, or exposed otherwise than the rest.

    s_i = var(L * g_i)           sharpness: L the Laplacian [0 1 0; 1 -4 1; 0 1 0], g grey in 0..255
    blurred:  s_i < BLUR median(s)                                                            (1)
    e_i = log2(mean(linear g_i)) stops
    odd:      |e_i - median(e)| > STOPS                                                       (2)

Both compare with the set's median, because what is sharp depends on what is photographed. Where a
mask is known, only the object counts. It must not know jobs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.colors import linear_from_srgb

from .inputs import LoadedView

BLUR = 0.2
STOPS = 1.0
LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec. 709."""
NAMED = 5
DARKEST = 1e-4  # of white: the logarithm of a black photograph stays finite


def quality_warnings(views: Sequence[LoadedView]) -> list[str]:
    """Sentences that name the photographs; empty if all are alike."""
    sharp = np.array([sharpness(view) for view in views])
    stops = np.array([exposure(view) for view in views])
    blurred = sharp < BLUR * np.median(sharp)
    off = stops - np.median(stops)
    found = []
    if blurred.any():
        found.append(f"Blurred beside the others: {_named(views, blurred)}.")
    if (off > STOPS).any():
        found.append(f"More than a stop brighter than most: {_named(views, off > STOPS)}.")
    if (off < -STOPS).any():
        found.append(f"More than a stop darker than most: {_named(views, off < -STOPS)}.")
    return found


def sharpness(view: LoadedView) -> float:
    """The variance of the Laplacian over the object, in squared grey levels."""
    grey = view.image.astype(np.float32) @ LUMA
    centre = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    values = (around - 4.0 * centre)[_inside(view)[1:-1, 1:-1]]
    return float(values.var()) if values.size else 0.0


def exposure(view: LoadedView) -> float:
    """The logarithm to base 2 of the object's mean linear grey."""
    few = (
        slice(None, None, 4),
        slice(None, None, 4),
    )  # a sixteenth of the pixels has the same mean
    grey = linear_from_srgb(view.image[few].astype(np.float32) / 255.0) @ LUMA
    values = grey[_inside(view)[few]]
    return float(np.log2(max(values.mean() if values.size else 0.0, DARKEST)))


def _inside(view: LoadedView) -> NDArray[Any]:
    if view.mask is None:
        return np.ones(view.image.shape[:2], dtype=bool)
    return np.asarray(view.mask > 0.5)


def named(names: Sequence[str]) -> str:
    """The first few of them."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _named(views: Sequence[LoadedView], which: NDArray[Any]) -> str:
    return named([view.name for view, is_it in zip(views, which, strict=True) if is_it])
