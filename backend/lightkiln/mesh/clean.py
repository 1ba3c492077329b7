# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes away what is no surface: specks, slivers, vertices that nothing uses.

It must not know fields or images.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Int
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from lightkiln.ops.triangles import areas


def largest_part(mesh: TriangleMesh) -> TriangleMesh:
    """The connected part with the largest area."""
    return _keep_parts(mesh, lambda sizes: sizes == sizes.max())


def without_specks(mesh: TriangleMesh, min_share: float = 0.01) -> TriangleMesh:
    """Without the connected parts whose area is below a share of the largest part's."""
    return _keep_parts(mesh, lambda sizes: sizes >= min_share * sizes.max())


def without_degenerate(mesh: TriangleMesh) -> TriangleMesh:
    """Weld vertices at the same place and drop triangles without area; the rest stays as it is."""
    _, first, welded = np.unique(mesh.positions, axis=0, return_index=True, return_inverse=True)
    triangles = first[welded.reshape(-1)].astype(np.int32)[mesh.triangles]
    a, b, c = triangles.T
    is_triangle = (a != b) & (b != c) & (c != a) & (areas(mesh.positions, triangles) > 0.0)
    return _subset(mesh, triangles[is_triangle])


def keep_triangles(mesh: TriangleMesh, keep: Bool[NDArray[Any], " F"]) -> TriangleMesh:
    """Only some triangles, and the vertices that they use."""
    return _subset(mesh, mesh.triangles[keep])


def parts(mesh: TriangleMesh) -> Int[NDArray[Any], " F"]:
    """The number of the connected part to which each triangle belongs, from 0."""
    a, b, c = mesh.triangles.T
    edges = np.concatenate([np.stack([a, b]), np.stack([b, c])], axis=1)
    num_vertices = len(mesh.positions)
    graph = coo_array((np.ones(edges.shape[1]), tuple(edges)), shape=(num_vertices, num_vertices))
    of_vertex = connected_components(graph, directed=False)[1]
    return np.unique(of_vertex[a], return_inverse=True)[1].astype(np.int32)


def _keep_parts(mesh: TriangleMesh, choose: Any) -> TriangleMesh:
    if len(mesh.triangles) == 0:
        return mesh
    part = parts(mesh)
    sizes = np.bincount(part, weights=areas(mesh.positions, mesh.triangles))
    return keep_triangles(mesh, choose(sizes)[part])


def _subset(mesh: TriangleMesh, triangles: NDArray[Any]) -> TriangleMesh:
    used = np.zeros(len(mesh.positions), dtype=bool)
    used[triangles] = True
    new_index = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return TriangleMesh(
        positions=mesh.positions[used],
        triangles=new_index[triangles],
        colors=None if mesh.colors is None else mesh.colors[used],
        normals=None if mesh.normals is None else mesh.normals[used],
    )
