# SPDX-License-Identifier: GPL-3.0-or-later
"""From a network's logits to the mesh that a person gets: simplified, painted, in its place.

The networks know no colours: a seed has one, so that several things can be told apart. It must not
know networks or jobs.
"""

from __future__ import annotations

import colorsys
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region
from numpy.typing import NDArray

from lightkiln.mesh.simplify import simplify
from lightkiln.ops.colors import linear_from_srgb
from lightkiln.ops.triangles import unit

from .surface import surface

SATURATION, VALUE = 0.4, 0.85


def finished(
    logits: Float[NDArray[Any], "side side side"],
    region: Region,
    threshold: float,
    faces: int,
    seed: int,
) -> TriangleMesh:
    """In world axes; raises `NothingReconstructed` if nothing was drawn."""
    return placed(simplify(surface(logits, threshold), faces), region, color_of(seed))


def placed(mesh: TriangleMesh, region: Region, color: NDArray[Any]) -> TriangleMesh:
    """A mesh of the cube [-1, 1]³ in the region's, of one linear colour."""
    matrix = np.asarray(region.world_from_region, dtype=np.float64)
    positions = mesh.positions @ matrix[:3, :3].T + matrix[:3, 3]
    normals = None
    if mesh.normals is not None:  # a stretch turns normals the other way: inverse transpose
        normals = unit(mesh.normals @ np.linalg.inv(matrix[:3, :3])).astype(np.float32)
    return TriangleMesh(
        positions=positions.astype(np.float32),
        triangles=mesh.triangles,
        normals=normals,
        colors=np.tile(color.astype(np.float32), (len(positions), 1)),
    )


def color_of(seed: int) -> Float[NDArray[Any], " 3"]:
    """A light colour, linear."""
    hue = float(np.random.default_rng(seed).random())
    return linear_from_srgb(np.array(colorsys.hsv_to_rgb(hue, SATURATION, VALUE)))
