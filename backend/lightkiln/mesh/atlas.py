# SPDX-License-Identifier: GPL-3.0-or-later
"""The texels of an unwrapped mesh: where on the surface each lies, and what fills the others.

Places (u, v) have their origin in the lower left corner, as in OBJ and Blender; images have their
top row first. It must not know photographs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Shaped
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt
from scipy.spatial import cKDTree

from .zbuffer import draw

NUM_NEAR = 12
"""Texels whose mean fills an unseen one: enough that single ones leave no streaks."""
NUM_KNOWN = 200_000
"""Known texels of which the near ones are sought: more would only cost time."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Atlas:
    """The texels whose centres lie in triangles, row by row."""

    size: int
    """Texels along both edges."""
    place: NDArray[Any]
    """(T,) index into the flattened image."""
    triangle: NDArray[Any]
    """(T,) int32."""
    barycentric: NDArray[Any]
    """(T, 3) float32."""

    def interpolate(
        self, triangles: Int[NDArray[Any], "F 3"], values: Float[NDArray[Any], "V C"]
    ) -> Float[NDArray[Any], "T C"]:
        """Values of vertices at the texels."""
        result = np.zeros((len(self.place), values.shape[1]), dtype=np.float32)
        for corner in range(3):
            of_corner = values[triangles[self.triangle, corner]]
            result += self.barycentric[:, corner, None] * of_corner
        return result

    def image(self, values: Shaped[NDArray[Any], "T C"]) -> Shaped[NDArray[Any], "S S C"]:
        """Values of texels as an image, the rest filled from the nearest texel.

        So neither filtering nor coarser levels of the texture mix in what is on no surface.
        """
        flat = np.zeros((self.size**2, values.shape[1]), dtype=values.dtype)
        flat[self.place] = values
        image = flat.reshape(self.size, self.size, -1)
        empty = np.ones(self.size**2, dtype=bool)
        empty[self.place] = False
        row, column = distance_transform_edt(
            empty.reshape(self.size, self.size), return_distances=False, return_indices=True
        )
        return np.asarray(image[row, column])


def rasterize_atlas(
    triangles: Int[NDArray[Any], "F 3"], uvs: Float[NDArray[Any], "V 2"], size: int
) -> Atlas:
    """Find the triangle at every texel's centre."""
    shape = (size, size)
    depth, triangle = np.full(shape, np.inf, dtype=np.float32), np.full(shape, -1, dtype=np.int32)
    barycentric = np.zeros((*shape, 3), dtype=np.float32)
    corners = np.stack([uvs[:, 0], 1.0 - uvs[:, 1]], axis=-1).astype(np.float64) * size
    draw(corners, np.ones(len(uvs)), triangles, depth, triangle, barycentric)
    place = np.flatnonzero(triangle.ravel() >= 0)
    return Atlas(
        size=size,
        place=place,
        triangle=triangle.ravel()[place],
        barycentric=barycentric.reshape(-1, 3)[place],
    )


def texel_size(mesh: TriangleMesh, uvs: Float[NDArray[Any], "V 2"], size: int) -> float:
    """Metres on the surface along a texel's edge, in the mean."""
    a, b, c = (mesh.positions[mesh.triangles[:, k]].astype(np.float64) for k in range(3))
    p, q, r = (uvs[mesh.triangles[:, k]].astype(np.float64) * size for k in range(3))
    surface = np.linalg.norm(np.cross(b - a, c - a), axis=-1).sum()
    flat = np.abs((q - p)[:, 0] * (r - p)[:, 1] - (q - p)[:, 1] * (r - p)[:, 0]).sum()
    return float(np.sqrt(surface / max(flat, 1e-12)))  # a mesh without area has no texels at all


def spread(
    positions: Float[NDArray[Any], "T 3"],
    values: Float[NDArray[Any], "T C"],
    known: Shaped[NDArray[Any], " T"],
) -> Float[NDArray[Any], "T C"]:
    """Fill unknown values with a mean of the known ones that are near in space.

    Near in space and not in the image: an unseen chart touches nothing known there. Weights fall
    with the square of the distance, so the filling meets its border without a step.
    """
    if known.all() or not known.any():
        return values
    where = np.flatnonzero(known)
    where = where[:: max(1, len(where) // NUM_KNOWN)]
    distance, near = cKDTree(positions[where]).query(
        positions[~known], k=min(NUM_NEAR, len(where)), workers=-1
    )
    distance, near = (np.asarray(a).reshape(int((~known).sum()), -1) for a in (distance, near))
    # Beside a known texel at distance 0 the others vanish.
    share = 1.0 / np.maximum(distance, 1e-9 * float(np.ptp(positions, axis=0).max())) ** 2
    share /= share.sum(axis=-1, keepdims=True)
    filled = values.copy()
    filled[~known] = np.einsum("nk,nkc->nc", share, values[where][near])
    return filled
