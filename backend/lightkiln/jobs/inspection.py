# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a scene can be believed: the last look at photographs, masks, region and cameras before a
method gets them.

What cannot be right is left out, replaced or adjusted, each with a warning; what leaves nothing to
work on ends the run with one sentence. It must not know methods.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Region, RegionShape

from lightkiln.capture.adjusting import adjusted, glanced, sure_points
from lightkiln.capture.inputs import Inputs, LoadedView
from lightkiln.capture.quality import named
from lightkiln.capture.region import fit_region
from lightkiln.capture.tracks import Tracks
from lightkiln.stereo.mask_check import CUT, compared

Warn = Callable[[str], None]

FEW = 8
"""Views: with fewer most of a thing is a guess."""
LEFT_OUT = 0.25
"""Of the views may be left out, at most: if more seem wrong, it is something else that is."""
LEAST_AGREEMENT = 0.3
"""Masks that overlap less with the hull of all show nothing that is within the region."""
FAR_OFF = 1.5
"""Pixels: cameras that miss by more, and cannot be adjusted, are no matter of poor photographs."""
CLOSE = 0.003
"""Overlaps of masks so far apart are as good."""


def inspected(inputs: Inputs, refine_cameras: bool, warn: Warn) -> Inputs:
    """The inputs as far as they can be believed; raises `InvalidScene` if nothing is left."""
    if len(inputs.views) < FEW:
        warn(
            f"Only {len(inputs.views)} photographs: what they do not show stays a guess. "
            "Twenty or more all around are better."
        )
    inputs = replace(inputs, region=_without_cameras(inputs, warn))
    inputs = replace(inputs, views=_all_with_masks(inputs.views, warn))
    if inputs.has_masks:
        inputs = replace(inputs, views=_with_right_masks(inputs, warn))
    tracks = glanced(inputs.views)
    if refine_cameras:
        inputs = replace(inputs, views=_with_fitting_cameras(inputs, tracks, warn))
    return replace(inputs, points=sure_points(inputs.views, tracks))


def _without_cameras(inputs: Inputs, warn: Warn) -> Region:
    """The region, or one that fits the views where it holds cameras."""
    inside = [view.name for view in inputs.views if _holds(inputs.region, view)]
    if not inside:
        return inputs.region
    count = f"The region holds {len(inside)} of {len(inputs.views)} cameras"
    try:
        fitted = fit_region(inputs.views)
    except InvalidScene:
        warn(f"{count}; it should hold the object alone.")
        return inputs.region
    warn(f"{count}: the part of space that most of them look at is used instead.")
    return fitted


def _holds(region: Region, view: LoadedView) -> bool:
    local = np.linalg.inv(region.world_from_region) @ np.append(view.camera.centre, 1.0)
    if region.shape is RegionShape.SPHERE:
        return bool(np.linalg.norm(local[:3]) < 1.0)
    return bool(np.abs(local[:3]).max() < 1.0)


def _all_with_masks(views: tuple[LoadedView, ...], warn: Warn) -> tuple[LoadedView, ...]:
    """The views that have masks, if all but a few have one; else all."""
    without = [index for index, view in enumerate(views) if view.mask is None]
    if not without or not _few(without, views):
        return views
    warn(f"Without a mask, and left out: {_named(views, without)}.")
    return _others(views, without)


def _with_right_masks(inputs: Inputs, warn: Warn) -> tuple[LoadedView, ...]:
    views = inputs.views
    verdict = compared(views, inputs.region)
    if verdict.agreement < LEAST_AGREEMENT:
        raise InvalidScene(
            "The region holds nothing that the masks agree upon; "
            f"{verdict.missed:.0%} of what they show lies outside it.",
            hint="Move the region to the object, or check that masks and cameras belong together.",
        )
    if verdict.missed > CUT:
        warn(
            f"The region cuts the object: {verdict.missed:.0%} of what the masks show lies "
            "outside it. Make it larger, unless that is meant."
        )
    if not verdict.wrong:
        return views
    if not _few(verdict.wrong, views):
        warn(f"{len(verdict.wrong)} masks do not fit the others. Check masks and cameras.")
        return views
    warn(f"Left out, for their masks do not fit the others: {_named(views, verdict.wrong)}.")
    return _others(views, verdict.wrong)


def _with_fitting_cameras(inputs: Inputs, tracks: Tracks, warn: Warn) -> tuple[LoadedView, ...]:
    found = adjusted(inputs.views, tracks)
    if found is None:
        return inputs.views
    cameras = found.cameras or tuple(view.camera for view in inputs.views)
    mended = tuple(
        replace(view, camera=camera) for view, camera in zip(inputs.views, cameras, strict=True)
    )
    if found.cameras is not None and _agree_as_well(inputs, mended):
        warn(
            f"The cameras missed what the photographs show by {found.before:.1f} pixels: "
            f"they were adjusted, to {found.after:.1f}."
        )
        return mended
    if found.before > FAR_OFF:
        warn(
            "What the photographs have in common fits no cameras: the thing mirrors or moves, "
            "or has little that could be recognised."
        )
    return inputs.views


def _agree_as_well(inputs: Inputs, mended: Sequence[LoadedView]) -> bool:
    """Whether the masks, which the adjustment did not look at, fit each other as before."""
    if not inputs.has_masks:
        return True
    before, after = (compared(each, inputs.region).agreement for each in (inputs.views, mended))
    return after >= before - CLOSE


def _few(some: Sequence[int], views: Sequence[LoadedView]) -> bool:
    return len(some) <= LEFT_OUT * len(views) and len(views) - len(some) >= FEW


def _others(views: tuple[LoadedView, ...], some: Sequence[int]) -> tuple[LoadedView, ...]:
    return tuple(view for index, view in enumerate(views) if index not in some)


def _named(views: Sequence[LoadedView], some: Sequence[int]) -> str:
    return named([views[index].name for index in some])
