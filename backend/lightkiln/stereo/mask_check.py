# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks beside each other and beside the region: which cannot be right, and what the region misses.

A right mask is about the outline of the hull that all masks cut together; the hull pardons a few
wrong ones, so it shows which. They are taken out and the hull is cut again, until none stands out.
It must not know what is done with what is found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.scene import Region
from numpy.typing import NDArray

from lightkiln.capture.inputs import LoadedView

from . import hull, lattice
from .trace import entry_depth
from .views import GreyView, prepare

SIDE, RESOLUTION = 160, 64
"""Pixels of a view's longer side, and voxels of the hull."""
STANDS_OUT = 0.12
"""A mask's overlap with its outline is so much less than the median of all: right ones stay within
0.05 of it, with poses off by 2 pixels too; one that is moved by an eighth of the width is 0.15 off.
"""
CUT = 0.03
"""Of the masks' area: a region that misses more cuts the object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the masks say of each other and of the region."""

    wrong: tuple[int, ...]
    """Views whose masks cannot be right."""
    missed: float
    """The part of the masks' area, in [0, 1], whose rays do not meet the region."""
    agreement: float
    """Median overlap, in [0, 1], of the right masks with the outlines of their hull."""


def compared(views: Sequence[LoadedView], region: Region) -> Verdict:
    """Compare masks, of which every view has one.

    Where the region cuts the object none is found wrong: what lies outside confuses outlines.
    Raises `NothingReconstructed` where the masks have nothing in common within the region.
    """
    small = [prepare(view, SIDE) for view in views]
    believed = np.arange(len(small))
    while True:
        solid = hull.enclose([small[i] for i in believed], region, RESOLUTION)
        overlaps = np.array([_overlap(small[i], *solid) for i in believed])
        agreement = float(np.median(overlaps))
        kept = believed[overlaps >= agreement - STANDS_OUT]
        if len(kept) == len(believed):
            break
        believed = kept
    missed = _missed([small[i] for i in believed], region)
    wrong = () if missed > CUT else tuple(np.setdiff1d(np.arange(len(small)), believed).tolist())
    return Verdict(wrong=wrong, missed=missed, agreement=agreement)


def _missed(views: Sequence[GreyView], region: Region) -> float:
    place = lattice.around(*lattice.bounds(region), RESOLUTION, hull.MARGIN)
    border = lattice.region_distance(region, place)
    outside, area = 0.0, 0.0
    for view in views:
        assert view.mask is not None  # the caller's promise
        inside = view.mask > 0.5
        outside += float((inside & (entry_depth(border, place, view.camera) <= 0.0)).sum())
        area += float(inside.sum())
    return outside / max(area, 1.0)


def _overlap(view: GreyView, place: lattice.Lattice, distance: NDArray[Any]) -> float:
    """Intersection over union of the mask and the solid's outline."""
    assert view.mask is not None  # the caller's promise
    outline, mask = entry_depth(distance, place, view.camera) > 0.0, view.mask > 0.5
    return float((outline & mask).sum() / max((outline | mask).sum(), 1))
