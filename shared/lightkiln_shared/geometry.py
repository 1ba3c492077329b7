# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished job hands over: meshes and point clouds, as numpy arrays.

World axes, metres; colours linear in [0, 1]. It must not know files or Blender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TriangleMesh:
    """A triangle mesh; triangles wind counter-clockwise seen from outside."""

    positions: NDArray[Any]
    """(V, 3) float32, metres."""
    triangles: NDArray[Any]
    """(F, 3) int32, indices of vertices."""
    colors: NDArray[Any] | None = None
    """(V, 3) float32, linear, in [0, 1]."""
    normals: NDArray[Any] | None = None
    """(V, 3) float32, unit, outwards."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TexturedMesh:
    """An unwrapped mesh, whose vertices are split along the seams, and its images."""

    mesh: TriangleMesh
    uvs: NDArray[Any]
    """(V, 2) float32: u to the right, v up, in [0, 1]; the origin is the lower left corner."""
    base_color: NDArray[Any]
    """(S, S, 3) uint8, sRGB, top row first."""
    normal_map: NDArray[Any] | None = None
    """(S, S, 3) uint8, tangent space as in glTF: +X along u, +Y along v, 255 is 1."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PointCloud:
    """Points with colours."""

    positions: NDArray[Any]
    """(N, 3) float32, metres."""
    colors: NDArray[Any] | None = None
    """(N, 3) float32, linear, in [0, 1]."""
