# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh cut open and laid flat: charts in the unit square, by xatlas.

xatlas grows charts over nearly flat neighbourhoods, flattens each conformally (least squares) and
packs them. Its work grows with the triangles: reduce a mesh before (`simplify`).
It must not know images.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xatlas
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

PADDING = 4
"""Texels between charts: two levels of a mipmap stay apart."""
MAX_COST = 8.0
"""What a chart may cost in bends and outline until a new one begins; xatlas's 2 gives twice as many
charts, which take longer, waste more texels on borders and are harder to paint on."""


def unwrap(mesh: TriangleMesh, size: int) -> tuple[TriangleMesh, Float[NDArray[Any], "V 2"]]:
    """The mesh with its vertices split along seams, triangles in the same order, and their places.

    Places are u to the right and v up, in [0, 1], the origin in the lower left corner of a square
    texture of `size` texels; triangles keep their winding there.
    """
    atlas = xatlas.Atlas()
    # About the origin and of size one, like the tolerances of xatlas.
    centre, extent = mesh.positions.mean(axis=0), float(np.ptp(mesh.positions, axis=0).max())
    normalised = np.ascontiguousarray((mesh.positions - centre) / extent, dtype=np.float32)
    atlas.add_mesh(normalised, np.ascontiguousarray(mesh.triangles, dtype=np.uint32))
    charts, packing = xatlas.ChartOptions(), xatlas.PackOptions()
    charts.max_cost = MAX_COST
    packing.resolution, packing.padding, packing.bilinear = size, PADDING, True
    packing.rotate_charts = False  # by exchanging u and v, which would mirror what is painted
    atlas.generate(charts, packing)
    old, triangles, places = atlas[0]
    # Places are shares of the atlas's own sides; one scale for both keeps charts undistorted.
    sides = np.array([atlas.width, atlas.height], dtype=np.float32)
    return _split(mesh, old, triangles), np.asarray(places * sides / sides.max(), dtype=np.float32)


def _split(mesh: TriangleMesh, old: NDArray[Any], triangles: NDArray[Any]) -> TriangleMesh:
    return replace(
        mesh,
        positions=mesh.positions[old],
        triangles=triangles.astype(np.int32),
        colors=None if mesh.colors is None else mesh.colors[old],
        normals=None if mesh.normals is None else mesh.normals[old],
    )
