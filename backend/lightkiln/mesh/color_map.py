# SPDX-License-Identifier: GPL-3.0-or-later
"""A base colour from the colours of a finer mesh's vertices: what fewer vertices would lose.

At each texel the colours of the nearest vertices of the finer mesh are mixed, by inverse distance,
and only of those that face the same way: a thin wall's back must not shine through.
It must not know photographs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.ops.colors import srgb_bytes
from lightkiln.ops.triangles import unit, vertex_normals

from .atlas import rasterize_atlas

NUM_NEAREST = 4
BLOCK = 400_000
"""Texels at a time: bounds the memory of the search."""
GREY = 0.212
"""Linear value of a mesh without colours: 127 in sRGB."""


def bake_colors(
    mesh: TriangleMesh,
    uvs: Float[NDArray[Any], "V 2"],
    dense: TriangleMesh,
    size: int,
    steps: Callable[[int], Iterable[int]] = range,
) -> UInt8[NDArray[Any], "S S 3"]:
    """The colours of `dense` on the unwrapped `mesh`, sRGB, top row first."""
    if dense.colors is None:
        return srgb_bytes(np.full((size, size, 3), GREY, dtype=np.float32))
    atlas = rasterize_atlas(mesh.triangles, uvs, size)
    points = atlas.interpolate(mesh.triangles, mesh.positions)
    facing = atlas.interpolate(mesh.triangles, _normals(mesh))
    dense = replace(dense, normals=_normals(dense))
    colors, tree = np.empty((len(points), 3), dtype=np.float32), cKDTree(dense.positions)
    for block in steps(-(-len(points) // BLOCK)):
        at = slice(block * BLOCK, (block + 1) * BLOCK)
        colors[at] = _nearest_colors(points[at], unit(facing[at]), dense, tree)
    return atlas.image(srgb_bytes(colors))


def _nearest_colors(
    points: NDArray[Any], facing: NDArray[Any], dense: TriangleMesh, tree: Any
) -> NDArray[Any]:
    """Linear colours of the finer mesh near points, of its sides that face the same way."""
    distance, near = tree.query(points, k=min(NUM_NEAREST, len(dense.positions)), workers=-1)
    same_side = (_normals(dense)[near] * facing[:, None]).sum(axis=-1) > 0.0
    # On a vertex its own colour counts, and the others vanish beside it.
    weight = 1.0 / np.maximum(distance, 1e-9 * float(np.ptp(dense.positions)))
    # Where none faces the same way, as on an edge that simplifying has cut, all of them count.
    weight *= np.where(same_side.any(axis=1, keepdims=True), same_side, 1.0)
    share = weight / weight.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("nk,nkc->nc", share, dense.colors[near]))  # type: ignore[index]


def _normals(mesh: TriangleMesh) -> NDArray[Any]:
    if mesh.normals is not None:
        return mesh.normals
    return vertex_normals(mesh.positions, mesh.triangles)
