# SPDX-License-Identifier: GPL-3.0-or-later
"""Silhouettes where nobody made masks: each photograph's colours, and what all photographs say.

What a view shows beside the region is background for sure, and its colours cut the object out. Such
a cut often keeps patches of the background; but those of several views do not meet in space, so
the hull of all cuts lacks them, and the next cut starts from the hull's outline. Cuts are believed
only where they agree with their hull in the end: it cannot agree by chance.

Where the object has the background's own colours a cut loses a part of it, and the hull with it.
Stereo sees that part; so when a first surface is there, the pictures are cut once more about its
outlines; what lies well inside them, and was seen there, is left no choice.
It must not know depth maps.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
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
from .depth_maps import Enclosure
from .trace import entry_depth
from .views import GreyView, prepare

ROUNDS = ((200, 64), (400, 128))
"""Pixels of a view's longer side, and voxels of the hull, about as fine as these. Coarse first, as
large cuts take their time; fine then, as coarse ones close windows: of a ring with eight, the last
cuts overlap the truth by 0.983, two coarse ones by 0.930."""
COARSE = ROUNDS[0][0]
"""Pixels at which outlines are traced: they are only where a cut begins."""
GROWTH = 4
"""Of those pixels: by so much the object may be larger than the hull's outline."""
AGREEMENT = 0.93
"""Least mean intersection over union of the cuts and the hull's outlines. Right ones reach 0.96 to
0.99, first cuts of a cluttered scene 0.7."""
SURE, DOUBTFUL = 4.0, 6.0
"""Pixels inside and outside a surface's outline, of the finest round's: as far as a first stereo of
half the pixels may be wrong."""
GAPS = 6
"""Of those pixels: between places that were seen there is surface. Twice or four times as many
change next to nothing."""
NUM_THREADS = 2

Masks = list[NDArray[Any]]
"""One (H, W) bool for each view."""


def found(views: Sequence[LoadedView], region: Region) -> list[GreyView] | None:
    """The views, small, with masks that were found; None if they cannot be believed."""
    small = [prepare(view, COARSE) for view in views]
    allowed = _outlines(*_region_solid(region), small)
    if all(pixels.all() for pixels in allowed):
        return None  # no view shows anything beside the region
    cut, agreement = _cuts(views, COARSE, allowed, allowed), 0.0
    for side, resolution in ROUNDS:
        try:
            solid = hull.enclose(cut, region, resolution)
        except NothingReconstructed:
            return None
        outlines = _outlines(*solid, small)
        agreement = _agreement(cut, outlines)
        grown = [ndimage.binary_dilation(shape, iterations=GROWTH) for shape in outlines]
        inside = [a & b for a, b in zip(grown, allowed, strict=True)]
        cut = _cuts(views, side, inside, outlines)
    return cut if agreement >= AGREEMENT else None


def sharpened(views: Sequence[LoadedView], solid: Enclosure, seen: Masks) -> list[GreyView]:
    """The views with masks, cut about the outlines of a first surface.

    `seen` are the pixels, of each view at any size, in which the surface itself was seen. Elsewhere
    the first surface is what the first cuts left, and their mistakes must not be made for sure.
    """
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        return list(pool.map(partial(_cut_about, solid=solid), views, seen))


def _cut_about(view: LoadedView, seen: NDArray[Any], *, solid: Enclosure) -> GreyView:
    small, image = _shrunk(view, ROUNDS[-1][0])
    inside = entry_depth(solid.distance, solid.lattice, small.camera) > 0.0
    depth = ndimage.distance_transform_edt(inside) - ndimage.distance_transform_edt(~inside)
    surface = _closed(_shaped(seen, (small.camera.width, small.camera.height)))
    mask = cut_out(image, depth > -DOUBTFUL, inside, (depth > SURE) & surface)
    return replace(small, mask=mask.astype(np.float32))


def _closed(mask: NDArray[Any]) -> NDArray[Any]:
    """The mask with its gaps closed, also those at the picture's edge."""
    padded = ndimage.binary_closing(np.pad(mask, GAPS), iterations=GAPS)
    return np.asarray(padded[GAPS:-GAPS, GAPS:-GAPS])


def _region_solid(region: Region) -> tuple[lattice.Lattice, NDArray[Any]]:
    place = lattice.around(*lattice.bounds(region), ROUNDS[0][1], hull.MARGIN)
    return place, lattice.region_distance(region, place)


def _outlines(place: lattice.Lattice, distance: NDArray[Any], views: Sequence[GreyView]) -> Masks:
    """Which pixels of each view see the solid."""
    return [entry_depth(distance, place, view.camera) > 0.0 for view in views]


def _cuts(views: Sequence[LoadedView], side: int, allowed: Masks, likely: Masks) -> list[GreyView]:
    """The views with masks, `side` pixels long: cut within `allowed`, from what is `likely`."""
    with ThreadPoolExecutor(NUM_THREADS) as pool:
        return list(pool.map(partial(_cut, side=side), views, allowed, likely))


def _cut(view: LoadedView, allowed: NDArray[Any], likely: NDArray[Any], *, side: int) -> GreyView:
    small, image = _shrunk(view, side)
    size = (small.camera.width, small.camera.height)
    mask = cut_out(image, _shaped(allowed, size), _shaped(likely, size))
    return replace(small, mask=mask.astype(np.float32))


def _shrunk(view: LoadedView, side: int) -> tuple[GreyView, NDArray[Any]]:
    """The view and its picture (H, W, 3) uint8, `side` pixels long."""
    small = prepare(view, side)
    size = (small.camera.width, small.camera.height)
    return small, np.asarray(Image.fromarray(view.image).resize(size, Image.Resampling.BOX))


def _agreement(cut: Sequence[GreyView], outlines: Masks) -> float:
    """Mean overlap of the cuts with the outlines of their hull."""
    overlaps = []
    for view, outline in zip(cut, outlines, strict=True):
        assert view.mask is not None  # `_cut` makes one for each
        height, width = outline.shape
        overlaps.append(_overlap(_shaped(view.mask > 0.5, (width, height)), outline))
    return float(np.mean(overlaps))


def _overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    """Intersection over union; 1 if both are empty."""
    return float((a & b).sum() / max((a | b).sum(), 1)) if (a | b).any() else 1.0


def _shaped(mask: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    """A mask at another size (W, H)."""
    return np.asarray(Image.fromarray(mask).resize(size, Image.Resampling.NEAREST))
