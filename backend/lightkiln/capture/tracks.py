# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that several views saw, and where: what cameras can be checked and adjusted by.

Features of neighbouring views that match, and lie within `REACH` of each other's epipolar line,
are one point; what is transitively one point must not lie twice in a view. Points stand where the
sum of squared distances to their rays is least:

    x = argmin sum_i |(I - d_i d_i^T)(x - c_i)|²,    c_i, d_i: the rays' origins and unit directions

It must not know how cameras are adjusted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from lightkiln_shared.camera import Camera, project
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lightkiln.ops.rays import pixel_directions, world_from_pixel

from .inputs import LoadedView, SurePoints
from .matching import features, matches, pairs

REACH = 8.0
"""Pixels: what cameras that can still be mended are off by."""
FEWEST, SURE_MISS, SURE_ANGLE = 3, 0.5, np.radians(4.0)
"""Views, pixels and radians. On rendered scenes a tenth of all points is off by more than 3 % of
the object's size, and of those that pass this by 0.2 %."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tracks:
    """Observations of points, a point's in two views or more."""

    places: Float[NDArray[Any], "n 2"]
    """Pixels."""
    views: Int[NDArray[Any], " n"]
    points: Int[NDArray[Any], " n"]
    """Which point it is of, from 0 without gaps."""

    @property
    def num_points(self) -> int:
        return int(self.points.max(initial=-1)) + 1

    def only(self, kept: NDArray[Any]) -> Tracks:
        """The observations `kept` (n,) bool, without points that then have fewer than two."""
        counts = np.bincount(self.points[kept], minlength=self.num_points)
        kept = kept & (counts[self.points] >= 2)
        _, points = np.unique(self.points[kept], return_inverse=True)
        return Tracks(places=self.places[kept], views=self.views[kept], points=points)


def tracked(views: Sequence[LoadedView], most: int) -> Tracks:
    """What the views have in common, of so many features of each; perhaps nothing."""
    found = [features(view, most) for view in views]
    firsts = np.concatenate([[0], np.cumsum([len(places) for places, _ in found])])
    links = [np.zeros((0, 2), dtype=int)]
    for i, j in pairs([view.camera for view in views]):
        apart = _off_line(views[i].camera, found[i][0], views[j].camera, found[j][0])
        links.append(matches(found[i], found[j], apart <= REACH) + firsts[[i, j]])
    a, b = np.concatenate(links).T
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(firsts[-1], firsts[-1]))
    _, label = connected_components(graph, directed=False)
    view = np.repeat(np.arange(len(views)), np.diff(firsts))
    everything = Tracks(places=np.concatenate([p for p, _ in found]), views=view, points=label)
    return everything.only(_once_in_each_view(view, label))


def intersections(cameras: Sequence[Camera], tracks: Tracks) -> Float[NDArray[Any], "points 3"]:
    """Where the points stand, metres: see this file's head."""
    left, right = _normal_equations(cameras, tracks)
    # Rays that are parallel meet nowhere: their point goes far away, and is then no good match.
    left += 1e-9 * np.eye(3)
    return np.asarray(np.linalg.solve(left, right[..., None])[..., 0])


def spread(cameras: Sequence[Camera], tracks: Tracks) -> Float[NDArray[Any], " points"]:
    """Angles between the rays to each point, radians: of two rays exactly, of more about the mean.

    Two unit vectors at an angle a have sum_i I - d_i d_i^T with the least eigenvalue 2 sin²(a / 2).
    """
    left, _ = _normal_equations(cameras, tracks)
    least = np.linalg.eigvalsh(left)[:, 0] / np.bincount(tracks.points, minlength=len(left))
    return np.asarray(2.0 * np.arcsin(np.sqrt(np.clip(least, 0.0, 1.0))))


def sure(cameras: Sequence[Camera], tracks: Tracks) -> SurePoints:
    """The points that `FEWEST` views or more saw, from well apart and without contradiction.

    With m the mean miss in pixels a point's confidence is 2 / (1 + e^m).
    """
    points = intersections(cameras, tracks)
    views = np.maximum(np.bincount(tracks.points, minlength=len(points)), 1)
    missed = misses(cameras, tracks, points)
    miss = np.bincount(tracks.points, missed, minlength=len(points)) / views
    good = (views >= FEWEST) & (miss < SURE_MISS) & (spread(cameras, tracks) > SURE_ANGLE)
    number = np.cumsum(good) - 1
    mine = good[tracks.points]
    return SurePoints(
        positions=points[good],
        confidence=2.0 / (1.0 + np.exp(miss[good])),
        seen=np.stack([number[tracks.points[mine]], tracks.views[mine]], axis=-1),
    )


def _normal_equations(
    cameras: Sequence[Camera], tracks: Tracks
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Left (points, 3, 3) and right (points, 3) side of what the intersections solve."""
    matrices = np.stack([world_from_pixel(camera) for camera in cameras])[tracks.views]
    d = pixel_directions(matrices, tracks.places)
    d = d / np.linalg.norm(d, axis=1, keepdims=True)
    c = np.stack([camera.centre for camera in cameras])[tracks.views]
    across = np.eye(3) - d[:, :, None] * d[:, None, :]
    left, right = np.zeros((tracks.num_points, 3, 3)), np.zeros((tracks.num_points, 3))
    np.add.at(left, tracks.points, across)
    np.add.at(right, tracks.points, np.einsum("nij,nj->ni", across, c))
    return left, right


def misses(
    cameras: Sequence[Camera], tracks: Tracks, points: Float[NDArray[Any], "points 3"]
) -> Float[NDArray[Any], " n"]:
    """How far from each observation its point falls, pixels; infinite behind the camera."""
    out = np.full(len(tracks.views), np.inf)
    for index, camera in enumerate(cameras):
        mine = np.flatnonzero(tracks.views == index)
        pixels, depth = project(camera, points[tracks.points[mine]])
        apart = np.linalg.norm(pixels - tracks.places[mine], axis=1)
        out[mine] = np.where(depth > 0.0, apart, np.inf)
    return out


def _once_in_each_view(view: NDArray[Any], label: NDArray[Any]) -> NDArray[Any]:
    """Which features belong to points that no view saw twice."""
    pair = label.astype(np.int64) * (int(view.max(initial=0)) + 1) + view
    _, number, counts = np.unique(pair, return_inverse=True, return_counts=True)
    twice = np.unique(label[counts[number] > 1])
    return ~np.isin(label, twice)


def _off_line(
    one: Camera, here: NDArray[Any], other: Camera, there: NDArray[Any]
) -> Float[NDArray[Any], "n m"]:
    """Pixels from each feature `there` (m, 2) to the epipolar line of each `here` (n, 2)."""
    far = one.centre + pixel_directions(world_from_pixel(one), here)
    motion = other.intrinsics @ other.camera_from_world[:3]
    start = motion[:, :3] @ one.centre + motion[:, 3]
    lines = np.cross(start, far @ motion[:, :3].T + motion[:, 3])
    # A ray into the other camera's very centre has no line: anything fits it.
    lines = lines / np.maximum(np.linalg.norm(lines[:, :2], axis=1, keepdims=True), 1e-12)
    return np.asarray(np.abs(lines[:, :2] @ there.T + lines[:, 2:]))
