# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting an object out of a photograph by its colours: GrabCut, as OpenCV has it.

Rother, Kolmogorov, Blake, "GrabCut: interactive foreground extraction using iterated graph cuts",
SIGGRAPH 2004. It must not know other photographs or where the object is in the world.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import NDArray

ROUNDS = 2
"""Of fitting the colours and cutting anew; more change next to nothing."""
MIXTURE = (1, 65)
"""Five Gaussians of 13 numbers each, as OpenCV wants room for them."""
NO_BOX = (0, 0, 0, 0)
"""Not looked at: the labels say where to begin."""


def cut_out(
    image: UInt8[NDArray[Any], "h w 3"],
    allowed: Bool[NDArray[Any], "h w"],
    likely: Bool[NDArray[Any], "h w"],
) -> Bool[NDArray[Any], "h w"]:
    """The object: within `allowed`, and to begin with, what is `likely`.

    Colours of what is not allowed are the background's. Without any background, or without anything
    likely, there is nothing to tell apart, and `likely` itself is returned.
    """
    likely = likely & allowed
    if allowed.all() or not likely.any():
        return likely
    labels = np.full(allowed.shape, cv2.GC_BGD, dtype=np.uint8)
    labels[allowed], labels[likely] = cv2.GC_PR_BGD, cv2.GC_PR_FGD
    cv2.setRNGSeed(0)  # the colours are clustered from a random start
    # A new array: cutting fits the labels in place, and its colours' order is of no consequence.
    cv2.grabCut(
        np.ascontiguousarray(image),
        labels,
        NO_BOX,
        np.zeros(MIXTURE),
        np.zeros(MIXTURE),
        ROUNDS,
        cv2.GC_INIT_WITH_MASK,
    )
    return np.asarray((labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD))
