# SPDX-License-Identifier: GPL-3.0-or-later
"""DTU's protocol: how far a mesh lies from a scan with structured light (Aanaes et al. 2016).

A scan is a cloud S of points, a grid O of the space that the scanner observed, and the plane of the
table. The mesh becomes a cloud D of about one point for each 0.2 x 0.2 mm:

    samples       for a triangle (a, a + u, a + v), with t = 0.2 mm sqrt(|u| |v| / |u x v|),
                  m = floor(|u| / t) and n = floor(|v| / t):
                  the points a + (i + 1/2) / m u + (j + 1/2) / n v with (i + 1/2) / m +
                  (j + 1/2) / n < 1; and all vertices
    D             the samples, shuffled; each in turn stays if none before it that stayed lies
                  within 0.2 mm; then those in the grid's box, 60 mm wider below and 120 mm above
    accuracy      mean of d(p, S) over D in O
    completeness  mean of d(s, D) over S above the plane
    chamfer       (accuracy + completeness) / 2

where both means leave out distances of 20 mm and more. Lengths are millimetres of DTU's world,
here alone. The steps are those of the Python version with which neural surfaces are compared;
the shuffle has a seed, so the same mesh has the same figures.
It must not know files, masks or methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.ops.triangles import area_vectors

SPACING = 0.2
"""Between samples, and the least between points that stay, millimetres."""
MARGINS = (60.0, 120.0)
"""By which the box is wider at its lower and its upper ends, millimetres."""
FARTHEST = 20.0
"""From which on a distance does not count, millimetres."""
MOST_SAMPLES = 50_000_000
"""Places in the grids of all triangles, half of which are samples: some 4 GB."""
AT_ONCE = 1 << 22
"""Places that are worked out together: some 200 MB."""
FIRST = 1 << 12
"""Points that are thinned in the first round: even if all are neighbours, 130 MB of pairs."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """What DTU's folders say of one object."""

    stl: NDArray[Any]
    """(N, 3) float64: the scanner's points."""
    observed: NDArray[Any]
    """(X, Y, Z) bool: the grid, with a value at box[0] + index * resolution."""
    box: NDArray[Any]
    """(2, 3): its lowest and highest corner."""
    resolution: float
    """Between the grid's values."""
    plane: NDArray[Any]
    """(4,): P . (x, y, z, 1) > 0 above the table."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DtuScores:
    """Means in millimetres, and how many points each is of."""

    accuracy: float
    completeness: float
    num_data: int
    """Points of the mesh after thinning, in the box."""
    num_observed: int
    """Of these, in observed space."""
    num_accurate: int
    """Of these, nearer than 20 mm: the points of the mean."""
    num_stl: int
    """The scanner's points."""
    num_above: int
    """Of these, above the plane."""
    num_complete: int
    """Of these, nearer than 20 mm: the points of the mean."""

    @property
    def chamfer(self) -> float:
        return (self.accuracy + self.completeness) / 2.0


def evaluate(mesh: TriangleMesh, scan: Scan, *, seed: int = 0) -> DtuScores:
    """Compare a mesh in DTU's world with a scan.

    Raises `UserError` if one is nowhere near the other, or if the mesh is too large to be sampled.
    """
    box = scan.box + np.array(MARGINS)[:, None] * [[-1.0], [1.0]]
    samples = _samples(mesh, box)
    shuffled = samples[np.random.default_rng(seed).permutation(len(samples))]
    thin = thinned(shuffled, SPACING)
    data = thin[is_in(thin, box)]
    seen = data[is_observed(data, scan)]
    above = scan.stl[is_above(scan.stl, scan.plane)]
    to_stl = near_distances(seen, scan.stl)
    to_data = near_distances(above, data)
    if not len(to_stl) or not len(to_data):
        raise UserError(
            f"The mesh lies nowhere within {FARTHEST:g} mm of the scan.",
            hint="It must stand in DTU's own world, in millimetres, and be of the same scan.",
        )
    return DtuScores(
        accuracy=float(to_stl.mean()),
        completeness=float(to_data.mean()),
        num_data=len(data),
        num_observed=len(seen),
        num_accurate=len(to_stl),
        num_stl=len(scan.stl),
        num_above=len(above),
        num_complete=len(to_data),
    )


def _samples(mesh: TriangleMesh, box: NDArray[Any]) -> NDArray[np.float64]:
    """Of triangles that reach into the box: others have no point that could count."""
    positions = mesh.positions.astype(np.float64)
    corners = positions[mesh.triangles]
    reaches = (corners.max(axis=1) >= box[0]) & (corners.min(axis=1) < box[1])
    has_area = area_vectors(positions, mesh.triangles).any(axis=-1)
    corners = corners[reaches.all(axis=-1) & has_area]
    num = int(grid_counts(corners, SPACING).prod(axis=-1).sum())
    if num > MOST_SAMPLES:
        raise UserError(
            f"The mesh is too large to be sampled at {SPACING:g} mm.",
            hint="Cut the background off, or give the scene with its masks.",
        )
    return np.concatenate([positions[is_in(positions, box)], grid_points(corners, SPACING)])


def grid_counts(
    corners: Float[NDArray[Any], "F 3 3"], spacing: float
) -> Float[NDArray[Any], "F 2"]:
    """m and n of each triangle; the triangles have areas. Their product is that of the
    parallelogram's area and the density, before rounding down."""
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    lengths = np.stack([np.linalg.norm(u, axis=-1), np.linalg.norm(v, axis=-1)], axis=-1)
    double_area = np.linalg.norm(np.cross(u, v), axis=-1)
    t = spacing * np.sqrt(lengths.prod(axis=-1) / double_area)
    return np.asarray(np.floor(lengths / t[:, None]))


def grid_points(
    corners: Float[NDArray[Any], "F 3 3"], spacing: float
) -> Float[NDArray[Any], "S 3"]:
    """The samples inside all triangles, some at once: a single one may hold most of them."""
    counts = grid_counts(corners, spacing).astype(np.int64)
    ends = np.cumsum(counts.prod(axis=-1))
    parts = [np.zeros((0, 3))]
    for start in range(0, int(ends[-1]) if len(ends) else 0, AT_ONCE):
        place = np.arange(start, min(start + AT_ONCE, int(ends[-1])))
        triangle = np.searchsorted(ends, place, side="right")
        m, n = counts[triangle].T
        i, j = np.divmod(place - (ends[triangle] - m * n), n)
        p, q = (i + 0.5) / m, (j + 0.5) / n
        inside = p + q < 1.0
        a, b, c = (corners[triangle[inside], corner] for corner in range(3))
        parts.append(a + p[inside, None] * (b - a) + q[inside, None] * (c - a))
    return np.concatenate(parts)


def thinned(points: Float[NDArray[Any], "N 3"], radius: float) -> Float[NDArray[Any], "M 3"]:
    """Each point in turn stays if none that stayed before lies within `radius`.

    In rounds of twice as many: those that a point of an earlier round drops need not be compared
    with each other, so memory does not grow with the square of the density.
    """
    kept = first_come(points[:FIRST], radius)
    start = FIRST
    while start < len(points):
        block = points[start : 2 * start]
        # the bound itself is not within the bound
        bound = np.nextafter(radius, np.inf)
        distance, _ = cKDTree(kept).query(block, distance_upper_bound=bound, workers=-1)
        kept = np.concatenate([kept, first_come(block[distance > radius], radius)])
        start *= 2
    return kept


def first_come(points: Float[NDArray[Any], "N 3"], radius: float) -> Float[NDArray[Any], "M 3"]:
    """The same without rounds: a point stays as soon as every neighbour before it has gone."""
    first, second = cKDTree(points).query_pairs(radius, output_type="ndarray").T  # first < second
    stays = np.ones(len(points), dtype=bool)
    while len(first):
        waits = np.zeros(len(points), dtype=bool)
        waits[second] = True
        goes = second[~waits[first]]  # its neighbour stays, for it waits for nobody
        stays[goes] = False
        is_open = stays[first] & stays[second]
        first, second = first[is_open], second[is_open]
    return points[stays]


def is_in(
    points: Float[NDArray[Any], "N 3"], box: Float[NDArray[Any], "2 3"]
) -> Bool[NDArray[Any], " N"]:
    """Without the upper ends."""
    return np.asarray(((points >= box[0]) & (points < box[1])).all(axis=-1))


def is_observed(points: Float[NDArray[Any], "N 3"], scan: Scan) -> Bool[NDArray[Any], " N"]:
    """Points whose nearest value in the grid is set; outside the grid nothing is."""
    index = np.rint((points - scan.box[0]) / scan.resolution).astype(np.int64)
    in_grid = ((index >= 0) & (index < scan.observed.shape)).all(axis=-1)
    observed = np.zeros(len(points), dtype=bool)
    observed[in_grid] = scan.observed[tuple(index[in_grid].T)]
    return observed


def is_above(
    points: Float[NDArray[Any], "N 3"], plane: Float[NDArray[Any], " 4"]
) -> Bool[NDArray[Any], " N"]:
    """P . (x, y, z, 1) > 0."""
    return np.asarray(points @ plane[:3] + plane[3] > 0.0)


def near_distances(
    points: Float[NDArray[Any], "N 3"], cloud: Float[NDArray[Any], "M 3"]
) -> Float[NDArray[Any], " K"]:
    """Distances of points to a cloud, without those of 20 mm and more."""
    distance, _ = cKDTree(cloud).query(points, distance_upper_bound=FARTHEST, workers=-1)
    return np.asarray(distance[distance < FARTHEST])
