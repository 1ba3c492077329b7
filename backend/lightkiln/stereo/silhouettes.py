# SPDX-License-Identifier: GPL-3.0-or-later
"""Silhouettes where nobody made masks: each photograph's colours, and what all photographs say.

What a view shows beside the region is background for sure, and its colours cut the object out. Such
a cut often keeps patches of the background; but those of several views do not meet in space, so
the hull of all cuts lacks them, and the next cut starts from the hull's outline. Cuts are believed
only where they agree with their hull in the end: it cannot agree by chance.
It must not know depth maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.scene import Region
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from lightkiln.capture.cutting import cut_out
from lightkiln.capture.inputs import LoadedView

from . import hull, lattice
from .trace import entry_depth
from .views import GreyView, prepare

SIDE = 200
"""Pixels of a view's longer side: cutting takes a tenth of a second each."""
RESOLUTION = 64
"""Voxels of the hull: about as fine as such pixels."""
ROUNDS = 2
GROWTH = 4
"""Pixels by which the object may be larger than the hull's outline."""
AGREEMENT = 0.93
"""Least mean intersection over union of the cuts and the hull's outlines. Right ones reach 0.96 to
0.99, first cuts of a cluttered scene 0.7."""
NUM_THREADS = 2

Masks = list[NDArray[Any]]
"""One (H, W) bool for each view."""


def found(views: Sequence[LoadedView], region: Region) -> list[GreyView] | None:
    """The views, small, with masks that were found; None if they cannot be believed."""
    small = [replace(prepare(view, SIDE), mask=None) for view in views]
    images = [_resized(view.image, own) for view, own in zip(views, small, strict=True)]
    allowed = _outlines(*_region_solid(region), small)
    if all(pixels.all() for pixels in allowed):
        return None  # no view shows anything beside the region
    masks = _cuts(images, allowed, allowed)
    for _ in range(ROUNDS):
        try:
            solid = hull.enclose(_masked(small, masks), region, RESOLUTION)
        except NothingReconstructed:
            return None
        outlines = _outlines(*solid, small)
        agreement = np.mean([_overlap(a, b) for a, b in zip(masks, outlines, strict=True)])
        grown = [ndimage.binary_dilation(shape, iterations=GROWTH) for shape in outlines]
        inside = [a & b for a, b in zip(grown, allowed, strict=True)]
        masks = _cuts(images, inside, outlines)
    return _masked(small, masks) if agreement >= AGREEMENT else None


def _region_solid(region: Region) -> tuple[lattice.Lattice, NDArray[Any]]:
    place = lattice.around(*lattice.bounds(region), RESOLUTION, hull.MARGIN)
    return place, lattice.region_distance(region, place)


def _cuts(images: Sequence[NDArray[Any]], allowed: Masks, likely: Masks) -> Masks:
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        return list(pool.map(cut_out, images, allowed, likely))


def _outlines(place: lattice.Lattice, distance: NDArray[Any], views: Sequence[GreyView]) -> Masks:
    """Which pixels of each view see the solid."""
    return [entry_depth(distance, place, view.camera) > 0.0 for view in views]


def _masked(views: Sequence[GreyView], masks: Masks) -> list[GreyView]:
    return [
        replace(view, mask=mask.astype(np.float32)) for view, mask in zip(views, masks, strict=True)
    ]


def _overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Intersection over union; 1 if both are empty."""
    return float((a & b).sum() / max((a | b).sum(), 1)) if (a | b).any() else 1.0


def _resized(image: NDArray[Any], view: GreyView) -> NDArray[Any]:
    size = (view.camera.width, view.camera.height)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
