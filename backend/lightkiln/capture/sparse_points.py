# SPDX-License-Identifier: GPL-3.0-or-later
"""Points of the surface that photographs with known cameras show: matched and triangulated here.

Features of neighbouring views are matched; a match is believed if the midpoint of the two rays'
nearest places projects to within `MISS` pixels of both features and the rays meet at `ANGLE` or
more. Cameras are taken as they are, so the points stand in the same world, however the cameras
were found. It must not know methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.camera import Camera, project
from numpy.typing import NDArray

from lightkiln.ops.rays import pixel_directions, world_from_pixel

from .inputs import LoadedView
from .matching import Features, features, matches, pairs

MISS = 1.0
"""Pixels."""
ANGLE = np.deg2rad(3.0)


def triangulated(views: Sequence[LoadedView]) -> Float[NDArray[Any], "points 3"]:
    """Places on surfaces, metres, in no order that means anything; perhaps none."""
    found_in = [features(view) for view in views]
    found = [
        _points(views[i].camera, found_in[i], views[j].camera, found_in[j])
        for i, j in pairs([view.camera for view in views])
    ]
    return np.concatenate(found) if found else np.zeros((0, 3))


def _points(one: Camera, ones: Features, other: Camera, others: Features) -> NDArray[Any]:
    both = matches(ones, others)
    here, there = ones[0][both[:, 0]], others[0][both[:, 1]]
    points, angle = _midpoints(one, here, other, there)
    good = angle >= ANGLE
    for camera, places in ((one, here), (other, there)):
        pixels, depth = project(camera, points)
        good &= (depth > 0.0) & (np.linalg.norm(pixels - places, axis=1) <= MISS)
    return np.asarray(points[good])


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
