# SPDX-License-Identifier: GPL-3.0-or-later
"""Says why photographs could not be placed, and why a scene could not be solved at all.

It must not know how the solving is done, beyond COLMAP's database of matches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln_shared.errors import InvalidScene

from lightkiln.capture.colmap_library import pycolmap

from .features import Database
from .preparing import Prepared
from .solved import Reason, Unplaced

FEW_FEATURES = 60
"""A third finds its like at best, and COLMAP wants 15 that agree."""
BLURRED = 0.25
"""Of the median sharpness of all photographs."""
LITTLE_TURN = 1.0
"""Degrees between the rays to a point from two places, below which there is no depth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of the photographs once they are matched, by file."""

    features: Mapping[str, int]
    partners: Mapping[str, int]
    """With how many others each has enough in common."""
    group_of: Mapping[str, int]
    """Size of the group that it was solved in, if it is not the largest."""


def gather(database: Database, features: Mapping[str, int], groups: Sequence[Any]) -> Evidence:
    """Collect it; `groups` are the solved ones, largest first."""
    files = {image.image_id: image.name for image in database.colmap.read_all_images()}
    partners = dict.fromkeys(features, 0)
    numbers, counts = database.colmap.read_two_view_geometry_num_inliers()
    for number, count in zip(numbers, counts, strict=True):
        if count > 0:
            for image in pycolmap.pair_id_to_image_pair(number):
                partners[files[image]] += 1
    group_of: dict[str, int] = {}
    for group in groups[1:]:
        for number in group.reg_image_ids():
            group_of.setdefault(group.images[number].name, group.num_reg_images())
    return Evidence(features=features, partners=partners, group_of=group_of)


def unplaced(
    missing: Sequence[Prepared], everyone: Sequence[Prepared], known: Evidence
) -> list[Unplaced]:
    """The reason of each photograph that is `missing` from the solved scene."""
    usual = float(np.median([each.sharpness for each in everyone]))
    return [Unplaced(photo=each.photo, **_why(each, usual, known)) for each in missing]


def _why(each: Prepared, usual: float, known: Evidence) -> dict[str, Any]:
    features, partners = known.features[each.file], known.partners[each.file]
    if each.file in known.group_of:
        size = known.group_of[each.file]
        text = (
            f"It belongs to a second group of {size} photographs that has too little in common "
            "with the first; take some in between."
        )
        return {"reason": Reason.OTHER_GROUP, "text": text}
    if each.sharpness < BLURRED * usual:
        return {"reason": Reason.BLURRED, "text": "It is much less sharp than the others."}
    if features < FEW_FEATURES:
        text = f"Only {features} features were found in it: it is too dark, too plain or too small."
        return {"reason": Reason.TOO_FEW_FEATURES, "text": text}
    if partners == 0:
        text = "It has nothing in common with the other photographs."
        return {"reason": Reason.NO_MATCHES, "text": text}
    text = f"It resembles {partners} others, but not closely enough to find where it was taken."
    return {"reason": Reason.NOT_REGISTERED, "text": text}


def no_scene(database: Database, known: Evidence) -> InvalidScene:
    """Why nothing could be solved."""
    most = max(known.features.values(), default=0)
    if most < FEW_FEATURES:
        return InvalidScene(
            f"The photographs show too little to recognise: at most {most} features in one.",
            hint="Use sharp, well lit photographs of something with texture.",
        )
    if not any(known.partners.values()):
        return InvalidScene(
            "No two of the photographs show the same thing.",
            hint="Use photographs of one object, each overlapping its neighbours by two thirds.",
        )
    return InvalidScene(
        "The photographs have too little in common to find where they were taken.",
        hint="Take more of them, each overlapping its neighbours by two thirds.",
    )


def from_one_place() -> InvalidScene:
    """The camera was turned, not moved."""
    return InvalidScene(
        "The photographs were all taken from one place, so nothing can be measured in them.",
        hint="Walk around the object; turning the camera on the spot gives no depth.",
    )


def has_no_depth(group: Any) -> bool:
    """True if nothing in a solved group is seen from two directions that differ."""
    angles = [_angle(group, point) for point in list(group.points3D.values())[:2000]]
    return not angles or float(np.median(angles)) < LITTLE_TURN


def _angle(group: Any, point: Any) -> float:
    """The largest angle between the first ray to a point and the others, degrees."""
    images = [group.images[element.image_id] for element in point.track.elements]
    rays = np.stack([point.xyz - image.projection_center() for image in images])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    return float(np.degrees(np.arccos(np.clip(rays @ rays[0], -1.0, 1.0).min())))
