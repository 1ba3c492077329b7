# SPDX-License-Identifier: GPL-3.0-or-later
"""Distances from points to surfaces, without the bias of comparing samples with samples.

A surface of area A with N samples leaves its own points about sqrt(A / N) / 2 away from the nearest
sample, which is as much as the errors to be measured. So the nearest samples and the nearest
middles of triangles (a fine mesh has more triangles than samples, a coarse one fewer) only propose
triangles, and the distance is the one to the nearest of those.
It must not know files or scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.ops.triangles import area_vectors, unit

NUM_PROPOSED = 8
"""Nearest samples and middles whose triangles are tried."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Samples:
    """Points spread evenly over a surface."""

    points: NDArray[Any]
    """(N, 3) float64."""
    triangles: NDArray[Any]
    """(N,) which triangle each lies on."""


def sample(mesh: TriangleMesh, num: int, seed: int = 0) -> Samples:
    """`num` points, uniform by area; the same for the same seed."""
    rng = np.random.default_rng(seed)
    area = np.linalg.norm(area_vectors(mesh.positions, mesh.triangles), axis=-1)
    triangles = rng.choice(len(area), size=num, p=area / area.sum())
    # sqrt makes the points uniform in the triangle (Osada et al. 2002, eq. 1).
    root, other = np.sqrt(rng.random(num)), rng.random(num)
    shares = np.stack([1.0 - root, root * (1.0 - other), root * other], axis=-1)
    corners = mesh.positions[mesh.triangles[triangles]].astype(np.float64)
    return Samples(points=np.einsum("nk,nkd->nd", shares, corners), triangles=triangles)


def nearest_on_mesh(
    points: Float[NDArray[Any], "N 3"], mesh: TriangleMesh, samples: Samples
) -> tuple[Float[NDArray[Any], " N"], Int[NDArray[Any], " N"]]:
    """Distance to a mesh and the triangle at which it is reached; `samples` are the mesh's own."""
    middles = mesh.positions[mesh.triangles].mean(axis=1, dtype=np.float64)
    places = np.concatenate([samples.points, middles])
    of_place = np.concatenate([samples.triangles, np.arange(len(middles))])
    _, near = cKDTree(places).query(points, k=min(NUM_PROPOSED, len(places)))
    proposed = of_place[np.asarray(near).reshape(len(points), -1)]
    distances = np.stack(
        [distance_to_triangle(points, mesh, proposed[:, k]) for k in range(proposed.shape[1])],
        axis=-1,
    )
    best = distances.argmin(axis=-1)
    row = np.arange(len(points))
    return distances[row, best], proposed[row, best]


def distance_to_triangle(
    points: Float[NDArray[Any], "N 3"], mesh: TriangleMesh, triangles: Int[NDArray[Any], " N"]
) -> Float[NDArray[Any], " N"]:
    """Distance from each point to its own triangle: to the plane if the foot of the perpendicular
    lies in the triangle, otherwise to the nearest edge."""
    corners = mesh.positions[mesh.triangles[triangles]].astype(np.float64)
    normal = unit(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]))
    to_edges = np.full(len(points), np.inf)
    is_inside = np.ones(len(points), dtype=bool)
    for k in range(3):
        start, along = corners[:, k], corners[:, (k + 1) % 3] - corners[:, k]
        offset = points - start
        length2 = np.maximum((along**2).sum(axis=-1), np.finfo(np.float64).tiny)
        t = np.clip((offset * along).sum(axis=-1) / length2, 0.0, 1.0)
        to_edges = np.minimum(to_edges, np.linalg.norm(offset - t[:, None] * along, axis=-1))
        is_inside &= (np.cross(along, offset) * normal).sum(axis=-1) >= 0.0
    to_plane = np.abs(((points - corners[:, 0]) * normal).sum(axis=-1))
    is_flat = (normal == 0.0).all(axis=-1)  # a degenerate triangle is only its edges
    return np.asarray(np.where(is_inside & ~is_flat, to_plane, to_edges))
