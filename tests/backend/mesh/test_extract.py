# SPDX-License-Identifier: GPL-3.0-or-later
"""Extraction against spheres and planes."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from lightkiln.mesh.extract import extract
from lightkiln.ops.bricks import BrickGrid, from_dense
from lightkiln.ops.triangles import areas, vertex_normals
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

VOXEL = 0.04
ORIGIN = np.array([-1.21, -1.17, -1.23])


def points(num: int) -> NDArray[np.float64]:
    axes = [ORIGIN[axis] + VOXEL * np.arange(num) for axis in range(3)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def ball(band: float) -> BrickGrid:
    distance = np.linalg.norm(points(61), axis=-1) - 1.0
    values = np.stack([np.ones_like(distance), distance], axis=-1)
    return from_dense(values, np.abs(distance) < band, ORIGIN, VOXEL)


def as_trimesh(mesh: TriangleMesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.positions, mesh.triangles, process=False)


def test_a_ball_in_bricks_becomes_one_closed_sphere_seen_from_outside() -> None:
    mesh = extract(ball(band=3 * VOXEL), channel=1)
    solid = as_trimesh(mesh)
    assert solid.is_watertight
    assert solid.euler_number == 2
    assert solid.volume == pytest.approx(4.0 / 3.0 * np.pi, rel=2e-3)
    radius = np.linalg.norm(mesh.positions, axis=-1)
    assert np.abs(radius - 1.0).max() < 0.01 * VOXEL
    assert mesh.normals is not None
    outwards = mesh.positions / radius[:, None]
    assert (mesh.normals * outwards).sum(axis=-1).min() > 0.999
    assert (vertex_normals(mesh.positions, mesh.triangles) * outwards).sum(axis=-1).min() > 0.99


@settings(max_examples=15, deadline=None)
@given(height=st.one_of(st.integers(1, 14).map(float), st.floats(1.0, 14.0)))
def test_a_plane_through_many_bricks_has_its_whole_area(height: float) -> None:
    z = np.broadcast_to(np.arange(16.0) - height, (24, 24, 16))
    grid = from_dense(z[..., None], np.ones(z.shape, dtype=bool), np.zeros(3), 1.0)
    mesh = extract(grid)
    # No overlap, no crack, also where lattice points lie exactly on the plane.
    assert areas(mesh.positions, mesh.triangles).sum() == pytest.approx(23.0 * 23.0, rel=1e-5)
    np.testing.assert_allclose(mesh.positions[:, 2], height, atol=1e-5)


def test_a_missing_brick_leaves_an_open_edge_and_invents_nothing() -> None:
    grid = ball(band=3 * VOXEL)
    gone = np.argwhere(grid.table >= 0)[10]
    table = grid.table.copy()
    table[tuple(gone)] = -1
    holed = BrickGrid(origin=grid.origin, voxel=grid.voxel, table=table, values=grid.values)
    mesh = extract(holed, channel=1)
    index = (mesh.positions - ORIGIN) / VOXEL
    in_gone = ((index > gone * 8 - 0.99) & (index < gone * 8 + 7.99)).all(axis=-1)
    assert not in_gone.any()
    edges = as_trimesh(mesh).edges_sorted
    unique, count = np.unique(edges, axis=0, return_counts=True)
    border = index[np.unique(unique[count == 1])]
    assert len(border) > 0
    assert ((border > gone * 8 - 1.01) & (border < gone * 8 + 8.01)).all()


def test_without_a_crossing_the_mesh_is_empty() -> None:
    ones = np.ones((8, 8, 8, 1))
    whole = from_dense(ones, np.ones((8, 8, 8), dtype=bool), np.zeros(3), 1.0)
    nothing = from_dense(ones, np.zeros((8, 8, 8), dtype=bool), np.zeros(3), 1.0)
    for grid in (whole, nothing):
        assert extract(grid).triangles.shape == (0, 3)
