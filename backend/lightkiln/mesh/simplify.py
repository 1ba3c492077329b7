# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer triangles for the same shape: quadric edge collapse (Garland and Heckbert 1997).

Colours and normals are read back from the vertices that were near.
It must not know files or images.
"""

from __future__ import annotations

from typing import Any

import fast_simplification
import numpy as np
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.ops.triangles import unit

from .clean import without_degenerate

NUM_NEAREST = 4


def simplify(mesh: TriangleMesh, max_triangles: int) -> TriangleMesh:
    """At most about `max_triangles` triangles; a mesh that has no more is returned as it is."""
    if len(mesh.triangles) <= max_triangles:
        return mesh
    # Coordinates about the origin, of size one: the quadrics are squared in single precision.
    centre = mesh.positions.mean(axis=0)
    size = float(np.ptp(mesh.positions, axis=0).max())
    positions, triangles = fast_simplification.simplify(
        (mesh.positions - centre) / size, mesh.triangles, target_count=max_triangles
    )
    positions = np.asarray(positions, dtype=np.float32) * np.float32(size) + centre
    near = _Nearest(mesh.positions, positions)
    normals = None if mesh.normals is None else unit(near.mean(mesh.normals))
    return without_degenerate(
        TriangleMesh(
            positions=positions,
            triangles=np.asarray(triangles, dtype=np.int32),
            colors=None if mesh.colors is None else near.mean(mesh.colors),
            normals=normals,
        )
    )


class _Nearest:
    """For each new vertex, the nearest old ones and their shares, by inverse distance."""

    def __init__(self, old: NDArray[Any], new: NDArray[Any]) -> None:
        distance, index = cKDTree(old).query(new, k=NUM_NEAREST)
        self.index: NDArray[Any] = np.asarray(index)
        # A vertex that did not move takes its own value: the others' shares vanish beside this.
        weight = 1.0 / np.maximum(distance, 1e-9 * float(np.ptp(old, axis=0).max()))
        self.share: NDArray[Any] = weight / weight.sum(axis=-1, keepdims=True)

    def mean(self, values: Float[NDArray[Any], "V C"]) -> Float[NDArray[Any], "N C"]:
        mean: NDArray[Any] = np.einsum("nk,nkc->nc", self.share, values[self.index])
        return mean.astype(np.float32)
