# SPDX-License-Identifier: GPL-3.0-or-later
"""A normal map: what simplifying took from a surface's shape, kept as texels.

Tangent space as in glTF and Blender (MikkTSpace, Mikkelsen 2008): at a vertex t is the mean of the
triangles' directions of growing u in the plane of the normal n, weighted by their angles; n and t
are interpolated without normalising, and b = n x t, since unwrapping mirrors nothing. A map's
value (x, y, z) means the normal

    m ∝ x t + y b + z n,   hence   (x, y, z) ∝ (m · (b x n), m · (n x t), m · (t x b)).         (1)

It must not know photographs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.ops.triangles import unit, vertex_normals

from .atlas import rasterize_atlas

NUM_NEAREST = 4
BLOCK = 400_000
"""Texels at a time: bounds the memory of the search."""


def bake_normals(
    mesh: TriangleMesh, uvs: Float[NDArray[Any], "V 2"], dense: TriangleMesh, size: int
) -> UInt8[NDArray[Any], "S S 3"]:
    """The normals of `dense` in the tangent space of the unwrapped `mesh`, top row first."""
    atlas = rasterize_atlas(mesh.triangles, uvs, size)
    normals = _normals(mesh)
    points = atlas.interpolate(mesh.triangles, mesh.positions)
    n = atlas.interpolate(mesh.triangles, normals)
    t = atlas.interpolate(mesh.triangles, tangents(mesh, normals, uvs))
    tree = cKDTree(dense.positions)
    m = np.empty((len(points), 3))
    for at in range(0, len(points), BLOCK):
        block = slice(at, at + BLOCK)
        m[block] = _nearest_normals(points[block], n[block], dense, tree)
    return atlas.image(encoded(in_tangent_space(m, n, t)))


def tangents(
    mesh: TriangleMesh, normals: Float[NDArray[Any], "V 3"], uvs: Float[NDArray[Any], "V 2"]
) -> Float[NDArray[Any], "V 3"]:
    """The direction of growing u at each vertex, unit, in the plane of its normal."""
    corners = mesh.triangles
    edge1, edge2 = (
        (mesh.positions[corners[:, k]] - mesh.positions[corners[:, 0]]).astype(np.float64)
        for k in (1, 2)
    )
    flat1, flat2 = (uvs[corners[:, k]].astype(np.float64) - uvs[corners[:, 0]] for k in (1, 2))
    # The sign of the area on the atlas keeps the direction; its size cancels on normalising.
    sign = np.sign(flat1[:, 0] * flat2[:, 1] - flat1[:, 1] * flat2[:, 0])[:, None]
    along = unit(sign * (flat2[:, 1:] * edge1 - flat1[:, 1:] * edge2))
    total = np.zeros((len(normals), 3))
    for k in range(3):
        here = corners[:, k]
        n = normals[here]
        in_plane = unit(along - n * (along * n).sum(axis=-1, keepdims=True))
        angle = _angle(mesh, n, k)[:, None]
        for axis in range(3):
            weights = (in_plane * angle)[:, axis]
            total[:, axis] += np.bincount(here, weights, minlength=len(normals))
    return unit(total).astype(np.float32)


def in_tangent_space(
    m: Float[NDArray[Any], "T 3"], n: Float[NDArray[Any], "T 3"], t: Float[NDArray[Any], "T 3"]
) -> Float[NDArray[Any], "T 3"]:
    """Equation (1)."""
    b = np.cross(n, t)
    axes = (np.cross(b, n), np.cross(n, t), np.cross(t, b))
    result = unit(np.stack([(m * axis).sum(axis=-1) for axis in axes], axis=-1))
    # A triangle without area on the atlas has no tangent: its normal is the map's neutral value.
    result[(t == 0.0).all(axis=-1)] = (0.0, 0.0, 1.0)
    return result


def encoded(normals: Float[NDArray[Any], "T 3"]) -> UInt8[NDArray[Any], "T 3"]:
    """[-1, 1] to bytes; 0 is the middle, 127.5."""
    return np.asarray(np.rint(127.5 * (np.clip(normals, -1.0, 1.0) + 1.0)), dtype=np.uint8)


def _nearest_normals(
    points: NDArray[Any], facing: NDArray[Any], dense: TriangleMesh, tree: Any
) -> NDArray[Any]:
    """Normals of the dense mesh near points, of its sides that face the same way."""
    distance, near = tree.query(points, k=NUM_NEAREST, workers=-1)
    candidates = _normals(dense)[near]
    same_side = (candidates * facing[:, None]).sum(axis=-1) > 0.0
    # On a vertex of the dense mesh its own normal counts, and the others vanish beside it.
    weight = same_side / np.maximum(distance, 1e-9 * float(np.ptp(dense.positions))) ** 2
    mean = unit((candidates * weight[..., None]).sum(axis=1))
    return np.asarray(np.where(same_side.any(axis=1, keepdims=True), mean, unit(facing)))


def _angle(mesh: TriangleMesh, n: NDArray[Any], corner: int) -> NDArray[Any]:
    """Angles of triangles at a corner, seen along its normal."""
    here = mesh.positions[mesh.triangles[:, corner]]
    sides = []
    for k in (1, 2):
        side = mesh.positions[mesh.triangles[:, (corner + k) % 3]] - here
        sides.append(unit(side - n * (side * n).sum(axis=-1, keepdims=True)))
    return np.asarray(np.arccos(np.clip((sides[0] * sides[1]).sum(axis=-1), -1.0, 1.0)))


def _normals(mesh: TriangleMesh) -> NDArray[Any]:
    if mesh.normals is not None:
        return mesh.normals
    return vertex_normals(mesh.positions, mesh.triangles)
