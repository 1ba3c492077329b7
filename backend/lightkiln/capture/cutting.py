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
SURROUNDINGS = 0.04
"""Of the picture's longer side: so much about the allowed tells what the background is like."""


def cut_out(
    image: UInt8[NDArray[Any], "h w 3"],
    allowed: Bool[NDArray[Any], "h w"],
    likely: Bool[NDArray[Any], "h w"],
    sure: Bool[NDArray[Any], "h w"] | None = None,
) -> Bool[NDArray[Any], "h w"]:
    """The object: within `allowed`, and to begin with, what is `likely`; `sure` is left no choice.

    Colours of what is not allowed are the background's. Without any background, or without anything
    likely, there is nothing to tell apart, and `likely` itself is returned.
    """
    likely = likely & allowed
    if allowed.all() or not likely.any():
        return likely
    labels = np.full(allowed.shape, cv2.GC_BGD, dtype=np.uint8)
    labels[allowed], labels[likely] = cv2.GC_PR_BGD, cv2.GC_PR_FGD
    if sure is not None:
        labels[sure & likely] = cv2.GC_FGD
    object_ = np.zeros_like(allowed)
    window = _around(allowed, round(SURROUNDINGS * max(allowed.shape)))
    object_[window] = _graph_cut(image[window], labels[window])
    return object_


def _around(allowed: NDArray[Any], margin: int) -> tuple[slice, slice]:
    """The window (rows, columns) of what is allowed, a margin larger: the rest costs time only."""
    rows, columns = np.flatnonzero(allowed.any(axis=1)), np.flatnonzero(allowed.any(axis=0))
    return (
        slice(max(rows[0] - margin, 0), rows[-1] + margin + 1),
        slice(max(columns[0] - margin, 0), columns[-1] + margin + 1),
    )


def _graph_cut(image: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    """The object (h, w) bool of a picture with GrabCut's labels, among which is some background."""
    labels = labels.copy()
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
