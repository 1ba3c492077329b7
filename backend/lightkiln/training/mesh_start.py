# SPDX-License-Identifier: GPL-3.0-or-later
"""A mesh as a surface grid: what a run begins from that goes on with another's result.

Inside is what at least two of the three axes' columns find inside, so that a small hole in the mesh
harms nothing; a mesh without an inside is given a skin. It must not know files or priors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.fields.surface_grid import SurfaceGrid, lattice_points
from lightkiln.metrics.closest import nearest_on_mesh, sample
from lightkiln.ops.colors import srgb_from_linear
from lightkiln.ops.kernels.winding import winding

NUM_SAMPLES = 20_000
"""Of the mesh, that propose triangles which a place may be near to."""
SKIN = 1.0
"""Voxels: the half thickness of what has no inside."""
GREY = 0.5
"""sRGB value of what has no colours."""


def grid_from(mesh: TriangleMesh, side: int) -> SurfaceGrid:
    """Of a mesh in the unit ball's frame; what lies beyond the ball is cut off."""
    places = lattice_points(side).numpy()
    size, _ = nearest_on_mesh(places.astype(np.float64), mesh, sample(mesh, NUM_SAMPLES))
    inside = inside_of(mesh, side).reshape(-1)
    voxel = 2.0 / (side - 1)
    distance = np.where(inside, -size, size) if inside.any() else size - SKIN * voxel
    shape = (side, side, side)
    return SurfaceGrid(
        torch.from_numpy(distance.astype(np.float32)).reshape(shape),
        torch.from_numpy(_albedo(mesh, places)).reshape(*shape, 3),
    )


def inside_of(mesh: TriangleMesh, side: int) -> NDArray[Any]:
    """Whether a point of the lattice (side, side, side) over [-1, 1]³ is inside; x, y, z."""
    steps = (mesh.positions.astype(np.float64) + 1.0) * (0.5 * (side - 1))
    votes = np.zeros((side, side, side), dtype=np.int32)
    for turn in range(3):
        found = winding(np.roll(steps, -turn, axis=1), mesh.triangles, side) != 0
        votes += np.moveaxis(found, (0, 1, 2), np.roll(np.arange(3), -turn))
    return np.asarray(votes >= 2)


def _albedo(mesh: TriangleMesh, places: NDArray[Any]) -> NDArray[Any]:
    """sRGB values (n, 3) of the nearest vertices."""
    if mesh.colors is None:
        return np.full((len(places), 3), GREY, dtype=np.float32)
    _, nearest = cKDTree(mesh.positions).query(places)
    return np.asarray(srgb_from_linear(mesh.colors[nearest]), dtype=np.float32)
