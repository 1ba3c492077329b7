# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores of surfaces whose distances are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import trimesh
from lightkiln.metrics.closest import distance_to_triangle
from lightkiln.metrics.surface import evaluate
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import PointCloud, TriangleMesh


def sphere(radius: float) -> TriangleMesh:
    ball = trimesh.creation.icosphere(subdivisions=5, radius=radius)
    return TriangleMesh(
        positions=ball.vertices.astype(np.float32), triangles=ball.faces.astype(np.int32)
    )


def rectangle(width: float, height: float, z: float) -> TriangleMesh:
    corners = np.array([[0, 0, z], [width, 0, z], [width, height, z], [0, height, z]])
    return TriangleMesh(
        positions=corners.astype(np.float32),
        triangles=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
    )


def test_concentric_spheres_are_apart_by_the_difference_of_their_radii() -> None:
    scores = evaluate(sphere(1.02), sphere(1.0), num_samples=20_000)
    chord_error = 1e-3  # the icosphere's triangles lie at most this far inside their sphere
    assert scores.accuracy == pytest.approx(0.02, abs=chord_error)
    assert scores.completeness == pytest.approx(0.02, abs=chord_error)
    assert scores.diagonal == pytest.approx(2.0 * np.sqrt(3.0), abs=chord_error)
    # 0.02 lies between 0.5 % and 1 % of the diagonal 3.46.
    assert scores.f_scores == (0.0, 1.0)
    assert scores.normal_consistency == pytest.approx(1.0, abs=1e-3)


def test_a_mesh_compared_with_itself_has_no_error_from_sampling() -> None:
    scores = evaluate(sphere(1.0), sphere(1.0), num_samples=5_000)
    assert scores.chamfer < 1e-5
    assert scores.f_scores == (1.0, 1.0)


def test_a_shifted_plane_is_off_by_the_shift() -> None:
    scores = evaluate(rectangle(2.0, 1.0, 0.1), rectangle(2.0, 1.0, 0.0), num_samples=5_000)
    assert scores.chamfer == pytest.approx(0.1, rel=1e-6)
    assert scores.fraction(scores.chamfer) == pytest.approx(0.1 / np.sqrt(5.0), rel=1e-6)


def test_a_missing_half_costs_completeness_and_not_accuracy() -> None:
    scores = evaluate(rectangle(1.0, 1.0, 0.0), rectangle(2.0, 1.0, 0.0), num_samples=40_000)
    assert scores.accuracy < 1e-6
    # The missing square's points are x - 1 away, half a metre on average, and half of all points.
    assert scores.completeness == pytest.approx(0.25, rel=0.02)
    recall = 0.5 + 0.01 * np.sqrt(5.0) / 2.0
    assert scores.f_scores[1] == pytest.approx(2.0 * recall / (1.0 + recall), rel=0.02)


def test_perpendicular_planes_have_no_normal_in_common() -> None:
    upright = rectangle(1.0, 1.0, 0.0)
    upright = TriangleMesh(positions=upright.positions[:, [2, 0, 1]], triangles=upright.triangles)
    scores = evaluate(upright, rectangle(1.0, 1.0, 0.0), num_samples=1_000)
    assert scores.normal_consistency == pytest.approx(0.0, abs=1e-6)


def test_a_cloud_on_the_surface_is_met_exactly() -> None:
    mesh = sphere(1.0)
    scores = evaluate(mesh, PointCloud(positions=mesh.positions), num_samples=5_000)
    assert scores.completeness < 1e-6
    assert scores.normal_consistency is None


def test_distances_to_triangles_agree_with_another_implementation() -> None:
    rng = np.random.default_rng(3)
    points = rng.normal(size=(2_000, 3))
    corners = rng.normal(size=(2_000, 3, 3)).astype(np.float32)
    corners[:50, 2] = corners[:50, 1]  # degenerate ones: a segment
    mesh = TriangleMesh(
        positions=corners.reshape(-1, 3), triangles=np.arange(6_000, dtype=np.int32).reshape(-1, 3)
    )
    got = distance_to_triangle(points, mesh, np.arange(2_000))
    closest = trimesh.triangles.closest_point(corners[50:].astype(np.float64), points[50:])
    np.testing.assert_allclose(got[50:], np.linalg.norm(points[50:] - closest, axis=-1), atol=1e-9)
    along = corners[:50, 1].astype(np.float64) - corners[:50, 0]
    t = ((points[:50] - corners[:50, 0]) * along).sum(-1) / (along**2).sum(-1)
    foot = corners[:50, 0] + np.clip(t, 0.0, 1.0)[:, None] * along
    np.testing.assert_allclose(got[:50], np.linalg.norm(points[:50] - foot, axis=-1), atol=1e-9)


def test_an_empty_mesh_is_named() -> None:
    nothing = TriangleMesh(
        positions=np.zeros((0, 3), dtype=np.float32), triangles=np.zeros((0, 3), dtype=np.int32)
    )
    with pytest.raises(UserError, match="mesh has no surface"):
        evaluate(nothing, sphere(1.0))
    with pytest.raises(UserError, match="reference has no surface"):
        evaluate(sphere(1.0), nothing)
