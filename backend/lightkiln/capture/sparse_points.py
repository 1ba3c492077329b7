# SPDX-License-Identifier: GPL-3.0-or-later
"""Points of the surface that photographs with known cameras show: matched and triangulated here.

SIFT features of neighbouring views are matched both ways with Lowe's ratio; a match is believed if
the midpoint of the two rays' nearest places projects to within `MISS` pixels of both features and
the rays meet at `ANGLE` or more. Cameras are taken as they are, so the points stand in the same
world, however the cameras were found. It must not know methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float
from lightkiln_shared.camera import Camera, project
from numpy.typing import NDArray

from lightkiln.ops.rays import pixel_directions, world_from_pixel

from .inputs import LoadedView

MAX_FEATURES = 3000
RATIO = 0.8
"""The best match must be so much nearer than the second."""
MISS = 1.0
"""Pixels."""
ANGLE = np.deg2rad(3.0)
NEIGHBOURS = 4
"""Views that each view is matched with."""
NEAREST, FARTHEST = np.deg2rad(4.0), np.deg2rad(40.0)
"""Angles between the views' axes: features of others look too alike, or not alike at all."""
_SIFT: Any = cv2.SIFT_create(nfeatures=MAX_FEATURES)  # type: ignore[attr-defined]


def triangulated(views: Sequence[LoadedView]) -> Float[NDArray[Any], "points 3"]:
    """Places on surfaces, metres, in no order that means anything; perhaps none."""
    features = [_features(view) for view in views]
    found = [
        _points(views[i].camera, features[i], views[j].camera, features[j])
        for i, j in _pairs([view.camera for view in views])
    ]
    return np.concatenate(found) if found else np.zeros((0, 3))


def _features(view: LoadedView) -> tuple[NDArray[Any], NDArray[Any]]:
    """Places (n, 2), pixels from the image's corner, and root-SIFT descriptors (n, 128)."""
    grey = cv2.cvtColor(view.image, cv2.COLOR_RGB2GRAY)
    mask = None if view.mask is None else (view.mask > 0.5).astype(np.uint8)
    found, descriptors = _SIFT.detectAndCompute(grey, mask)
    if descriptors is None:
        return np.zeros((0, 2)), np.zeros((0, 128), np.float32)
    # OpenCV counts from pixels' centres, we from their corners.
    places = np.array([point.pt for point in found]) + 0.5
    total = descriptors.sum(axis=1, keepdims=True)
    return places, np.sqrt(descriptors / np.maximum(total, 1e-9))  # a blank patch has no gradient


def _pairs(cameras: Sequence[Camera]) -> list[tuple[int, int]]:
    axes = np.stack([camera.world_from_camera[:3, 2] for camera in cameras])
    angles = np.arccos(np.clip(axes @ axes.T, -1.0, 1.0))
    angles[(angles < NEAREST) | (angles > FARTHEST)] = np.inf
    pairs = {
        (min(i, int(j)), max(i, int(j)))
        for i, row in enumerate(angles)
        for j in np.argsort(row)[:NEIGHBOURS]
        if np.isfinite(row[j])
    }
    return sorted(pairs)


def _points(
    one: Camera, ones: tuple[Any, Any], other: Camera, others: tuple[Any, Any]
) -> NDArray[Any]:
    matches = _matches(ones[1], others[1])
    here, there = ones[0][matches[:, 0]], others[0][matches[:, 1]]
    points, angle = _midpoints(one, here, other, there)
    good = angle >= ANGLE
    for camera, places in ((one, here), (other, there)):
        pixels, depth = project(camera, points)
        good &= (depth > 0.0) & (np.linalg.norm(pixels - places, axis=1) <= MISS)
    return np.asarray(points[good])


def _matches(ones: NDArray[Any], others: NDArray[Any]) -> NDArray[Any]:
    """(m, 2) numbers of features that are each other's best."""
    if min(len(ones), len(others)) < 2:
        return np.zeros((0, 2), dtype=int)
    matcher = cv2.BFMatcher(cv2.NORM_L2)
    back = {match.queryIdx: match.trainIdx for match in matcher.match(others, ones)}
    found = [
        (best.queryIdx, best.trainIdx)
        for best, second in matcher.knnMatch(ones, others, k=2)
        if best.distance < RATIO * second.distance and back[best.trainIdx] == best.queryIdx
    ]
    return np.array(found, dtype=int).reshape(-1, 2)


def _midpoints(
    one: Camera, here: NDArray[Any], other: Camera, there: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Middles (m, 3) of the shortest ways between the rays, and the rays' angles (m,).

    s and t of c + s u and c' + t v with w = c' - c, u and v unit, k = <u, v>:
    s = (<w, u> - k <w, v>) / (1 - k²),  t = (k <w, u> - <w, v>) / (1 - k²)
    """
    u = pixel_directions(world_from_pixel(one), here)
    v = pixel_directions(world_from_pixel(other), there)
    w = other.centre - one.centre
    k = (u * v).sum(axis=1)
    # Rays that are all but parallel fail the test of their angle, wherever they meet.
    fade = np.maximum(1.0 - k**2, 1e-9)
    s, t = (u @ w - k * (v @ w)) / fade, (k * (u @ w) - v @ w) / fade
    points = 0.5 * (one.centre + s[:, None] * u + other.centre + t[:, None] * v)
    return points, np.arccos(np.clip(k, -1.0, 1.0))
