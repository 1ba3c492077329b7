# SPDX-License-Identifier: GPL-3.0-or-later
"""Cleaning and simplification: what goes, and what must stay."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from lightkiln.mesh.clean import largest_part, parts, without_degenerate, without_specks
from lightkiln.mesh.simplify import simplify
from lightkiln_shared.geometry import TriangleMesh
from synthetic import SyntheticScene


def spheres(*radii: float) -> TriangleMesh:
    """Side by side along x, three metres apart; colours count them."""
    balls = [trimesh.creation.icosphere(subdivisions=2, radius=radius) for radius in radii]
    num = len(balls[0].vertices)
    return TriangleMesh(
        positions=np.concatenate(
            [ball.vertices + np.array([3.0 * i, 0.0, 0.0]) for i, ball in enumerate(balls)]
        ).astype(np.float32),
        triangles=np.concatenate([b.faces + i * num for i, b in enumerate(balls)]).astype(np.int32),
        colors=np.repeat(np.arange(len(balls)) / 10.0, num)[:, None].repeat(3, 1).astype("f4"),
    )


def test_the_largest_part_remains_with_its_colours() -> None:
    mesh = spheres(0.5, 1.0, 0.05)
    assert len(np.unique(parts(mesh))) == 3
    kept = largest_part(mesh)
    assert kept.colors is not None
    assert np.unique(kept.colors) == pytest.approx([0.1])
    assert kept.positions[:, 0].mean() == pytest.approx(3.0, abs=1e-6)
    assert trimesh.Trimesh(kept.positions, kept.triangles, process=False).is_watertight


def test_specks_go_and_real_parts_stay() -> None:
    kept = without_specks(spheres(0.5, 1.0, 0.05))
    assert kept.colors is not None
    assert sorted(np.unique(kept.colors)) == pytest.approx([0.0, 0.1])


def test_welding_joins_a_soup_and_drops_what_has_no_area() -> None:
    ball = trimesh.creation.icosphere(subdivisions=2)
    soup = ball.vertices[ball.faces].reshape(-1, 3)
    triangles = np.arange(len(soup)).reshape(-1, 3)
    triangles = np.concatenate([triangles, [[0, 0, 1], [3, 4, 3]]])
    mesh = without_degenerate(
        TriangleMesh(positions=soup.astype(np.float32), triangles=triangles.astype(np.int32))
    )
    assert len(mesh.positions) == len(ball.vertices)
    assert len(mesh.triangles) == len(ball.faces)
    assert trimesh.Trimesh(mesh.positions, mesh.triangles, process=False).is_watertight


def test_simplified_meshes_keep_shape_colours_and_closure(synthetic_scene: SyntheticScene) -> None:
    small = simplify(synthetic_scene.mesh, 6_000)
    assert 5_000 < len(small.triangles) <= 6_000
    distance = np.abs(synthetic_scene.sdf(small.positions.astype(np.float64)))
    assert distance.mean() < 5e-4  # the body is 1.5 m long
    assert trimesh.Trimesh(small.positions, small.triangles, process=False).is_watertight
    assert small.colors is not None and small.normals is not None
    truth = synthetic_scene.color(small.positions.astype(np.float64))
    assert np.abs(small.colors - truth).mean() < 0.05
    np.testing.assert_allclose(np.linalg.norm(small.normals, axis=-1), 1.0, atol=1e-5)


def test_a_mesh_within_its_budget_is_left_alone() -> None:
    mesh = spheres(1.0)
    assert simplify(mesh, len(mesh.triangles)) is mesh
