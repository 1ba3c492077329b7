# SPDX-License-Identifier: GPL-3.0-or-later
"""A cloud of points of a surface, and what it tells of distances.

A frame brings the cloud's box to the cube as `world.things` does: its centre to the origin, its
longest side to `LONGEST`; up stays up. With p a point, n its normal, e the spacing of points and t
a small length, these places have a known distance s:

    p                      0
    p +- t n               +- t, if no other point is nearer (Hoppe et al. 1992 check the same)
    x outside the box      to the nearest point, and positive
    x far from all points  to the nearest point, if the cloud is of the whole surface

Normals may be given. Otherwise they are those of the plane through the nearest points (Hoppe et
al. 1992, section 3.2), and their sign is not guessed: only |s| is then known, which is enough for
who knows shapes. It must not know networks or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.geometry import PointCloud
from lightkiln_shared.scene import Region
from numpy.random import Generator
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.learned.world.things import LONGEST
from lightkiln.ops.triangles import unit

FEWEST, MOST = 50, 20_000
"""Points of a cloud; of more, so many are drawn."""
FLAT = 1e-3
"""A cloud thinner than this part of its length is a plane: scans are noisier than that."""
NEIGHBOURS = 12
"""Of a plane fitted to a surface: few enough for a thin leg."""
OFFSETS = (0.01, 0.06)
"""t, units of the cube: from beyond a scan's noise to where the clamp begins to bite."""
EMPTY = 3.0
"""Spacings from the nearest point at which a place is surely not on the surface."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """Where the cube stands among the cloud's own coordinates."""

    centre: NDArray[Any]
    """(3,)"""
    scale: float
    """Of the cube's units in one of the cloud's."""

    def to_cube(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        return np.asarray((x - self.centre) * self.scale)

    def from_cube(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        return np.asarray(x / self.scale + self.centre)


class Places(NamedTuple):
    """Places in the cube of which the distance is known."""

    places: Float[NDArray[Any], "n 3"]
    distances: Float[NDArray[Any], " n"]
    is_signed: Bool[NDArray[Any], " n"]


def checked(cloud: PointCloud) -> Float[NDArray[Any], "n 3"]:
    """The different points of a cloud; raises `InvalidScene` where they are no surface."""
    points = np.asarray(cloud.positions, dtype=np.float64).reshape(-1, 3)
    if not np.isfinite(points).all():
        wrong = int((~np.isfinite(points)).any(axis=1).sum())
        raise InvalidScene(
            f"{wrong} of {len(points)} points have no finite coordinates.",
            hint="Delete them, or write the file again.",
        )
    different = np.unique(points, axis=0)
    if len(points) >= FEWEST and len(different) == 1:
        raise InvalidScene(
            f"All {len(points)} points lie at one place.", hint="Give points of a surface."
        )
    if len(different) < FEWEST:
        raise InvalidScene(
            f"{len(different)} different points are too few to tell a shape.",
            hint=f"Give {FEWEST} at least; a thousand are better.",
        )
    _check_extent(different)
    return different


def _check_extent(points: Float[NDArray[Any], "n 3"]) -> None:
    spread = np.linalg.svd(points - points.mean(axis=0), full_matrices=False, compute_uv=False)
    if spread[1] < FLAT * spread[0]:
        raise InvalidScene("All points lie on one line.", hint="Give points of a whole surface.")
    if spread[2] < FLAT * spread[0]:
        raise InvalidScene(
            "All points lie in one plane.", hint="Give points of more than one side of the thing."
        )


def frame_of(points: Float[NDArray[Any], "n 3"]) -> Frame:
    """The frame in which the points' own box fills the cube."""
    low, high = points.min(axis=0), points.max(axis=0)
    return Frame(centre=0.5 * (low + high), scale=LONGEST / float((high - low).max()))


def frame_in(region: Region) -> Frame:
    """The frame in which the whole thing fills a region's cube."""
    matrix = np.asarray(region.world_from_region, dtype=np.float64)
    longest = 2.0 * float(np.linalg.norm(matrix[:3, :3], axis=0).max())
    return Frame(centre=matrix[:3, 3], scale=LONGEST / longest)


def places_of(
    points: Float[NDArray[Any], "n 3"],
    draw: Generator,
    *,
    count: int,
    whole: bool = True,
    normals: Float[NDArray[Any], "n 3"] | None = None,
) -> Places:
    """About `count` places, as the file's head tells; points and normals in the cube.

    A quarter are points, half lie about them, and a quarter are far from them.
    """
    tree = cKDTree(points)
    own = draw.integers(len(points), size=count // 4)
    about = draw.integers(len(points), size=count // 2)
    known = normals is not None
    across = normals[about] if normals is not None else _across(points, tree, about)
    on = Places(points[own], np.zeros(len(own)), np.ones(len(own), dtype=bool))
    near = _about(points[about], across, tree, draw, known)
    far = _far(points, tree, draw, count // 4, whole)
    parts = [np.concatenate(each) for each in zip(on, near, far, strict=True)]
    mixed = draw.permutation(len(parts[0]))
    return Places(*(each[mixed] for each in parts))


def drawn(points: Float[NDArray[Any], "n 3"], draw: Generator) -> Float[NDArray[Any], "m 3"]:
    """At most `MOST` of the points."""
    if len(points) <= MOST:
        return points
    return points[draw.choice(len(points), size=MOST, replace=False)]


def _about(
    points: NDArray[Any], across: NDArray[Any], tree: Any, draw: Generator, known: bool
) -> Places:
    """Along normals, to both sides; without those to which another point is nearer."""
    along = draw.uniform(*OFFSETS, len(points)) * draw.choice((-1.0, 1.0), len(points))
    places = points + along[:, None] * across
    nearest, _ = tree.query(places)
    # A tenth less is no other surface: it curves, and points are noisy.
    kept = nearest > 0.9 * np.abs(along)
    return Places(places[kept], along[kept], np.full(int(kept.sum()), known))


def _far(points: NDArray[Any], tree: Any, draw: Generator, count: int, whole: bool) -> Places:
    """Outside the box; and, of a whole cloud, anywhere that is far from all points."""
    places = draw.uniform(-1.0, 1.0, (3 * count, 3))
    low, high = points.min(axis=0), points.max(axis=0)
    outside = ((places < low) | (places > high)).any(axis=1)
    nearest, _ = tree.query(places)
    spacing = float(np.median(tree.query(points, k=4)[0][:, -1]))
    is_known = (nearest > EMPTY * spacing) & whole
    kept = np.flatnonzero(is_known)[:count]
    return Places(places[kept], nearest[kept], outside[kept])


def _across(points: NDArray[Any], tree: Any, which: NDArray[Any]) -> Float[NDArray[Any], "n 3"]:
    """Normals of either sign: the direction in which neighbours spread least."""
    _, near = tree.query(points[which], k=min(NEIGHBOURS, len(points)))
    around = points[near]
    around = around - around.mean(axis=1, keepdims=True)
    spread = np.einsum("nki,nkj->nij", around, around)
    return np.asarray(unit(np.linalg.eigh(spread)[1][:, :, 0]))
