# SPDX-License-Identifier: GPL-3.0-or-later
"""A distance that can be asked anywhere becomes the same mesh, whole or in blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightkiln.mesh.extract import extract, extract_dense
from lightkiln.mesh.near_surface import bricks_near_surface
from numpy.typing import NDArray

CENTRE, RADII = np.array([0.1, -0.05, 0.02]), (0.6, 0.25)
ORIGIN, COUNT = np.full(3, -1.0), 96
VOXEL = 2.0 / COUNT


def torus(x: NDArray[Any]) -> NDArray[Any]:
    x = x - CENTRE
    ring = np.hypot(x[..., 0], x[..., 1]) - RADII[0]
    return np.asarray(np.hypot(ring, x[..., 2]) - RADII[1])


def nowhere(x: NDArray[Any]) -> NDArray[Any]:
    return np.full(x.shape[:-1], -1.0)


def bricks(distance: Any = torus, border: Any = nowhere) -> Any:
    return bricks_near_surface(distance, border, ORIGIN, VOXEL, np.full(3, COUNT))


def edges(triangles: NDArray[Any]) -> NDArray[Any]:
    """How many triangles each edge has."""
    pairs = np.sort(triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    return np.unique(pairs, axis=0, return_counts=True)[1]


def test_nothing_of_the_surface_is_lost_far_from_it_nothing_is_asked() -> None:
    axis = ORIGIN[0] + VOXEL * np.arange(COUNT + 1)
    dense = torus(np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1))
    whole = extract_dense(dense.astype(np.float32), np.ones((COUNT,) * 3, dtype=bool))
    grid = bricks()
    mesh = extract(grid)
    assert len(mesh.triangles) == len(whole.triangles)
    expected = np.sort((ORIGIN + VOXEL * whole.positions).round(4), axis=0)
    np.testing.assert_allclose(np.sort(mesh.positions.round(4), axis=0), expected, atol=2e-4)
    assert grid.values.size < 0.5 * dense.size


@pytest.mark.parametrize("block", [2, 3, 5])
def test_blocks_are_welded_into_the_mesh_that_they_cut(block: int) -> None:
    grid = bricks()
    whole, blocks = extract(grid), extract(grid, block=block)
    assert len(blocks.positions) == len(whole.positions)
    assert len(blocks.triangles) == len(whole.triangles)
    assert (edges(blocks.triangles) == 2).all()
    vertices, triangles = len(blocks.positions), len(blocks.triangles)
    assert vertices - triangles // 2 == 0  # V - E + F of a torus, with E = 3 F / 2
    corners = whole.positions[whole.triangles], blocks.positions[blocks.triangles]
    middles = [np.sort(each.mean(axis=1).round(4), axis=0) for each in corners]
    np.testing.assert_allclose(*middles, atol=2e-4)
    assert blocks.normals is not None
    assert (np.linalg.norm(blocks.normals, axis=1) > 0.99).all()


def test_a_surface_that_leaves_the_region_ends_in_an_open_edge() -> None:
    mesh = extract(bricks(border=lambda x: x[..., 0] - 0.2))
    assert mesh.positions[:, 0].max() <= 0.2
    assert mesh.positions[:, 0].max() > 0.2 - 1.5 * VOXEL
    assert (edges(mesh.triangles) == 1).any()


def test_a_distance_without_a_surface_gives_no_bricks() -> None:
    assert len(bricks(distance=lambda x: np.full(x.shape[:-1], 5.0)).values) == 0
