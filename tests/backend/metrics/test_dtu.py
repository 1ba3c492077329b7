# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of DTU's protocol, each against a slow and obvious version of itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lightkiln.metrics import dtu
from lightkiln.metrics.dtu import first_come, grid_points, thinned
from numpy.typing import NDArray


def one_by_one(points: NDArray[Any], radius: float) -> NDArray[Any]:
    kept: list[NDArray[Any]] = []
    for point in points:
        if all(np.linalg.norm(point - other) > radius for other in kept):
            kept.append(point)
    return np.array(kept)


def test_who_comes_first_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtu, "FIRST", 16)  # six rounds
    rng = np.random.default_rng(5)
    points = rng.random((700, 3)) * [3.0, 2.0, 0.1]
    expected = one_by_one(points, 0.2)
    assert 50 < len(expected) < 200
    np.testing.assert_array_equal(thinned(points, 0.2), expected)
    np.testing.assert_array_equal(first_come(points, 0.2), expected)


def test_a_neighbour_at_the_very_distance_goes() -> None:
    row = np.arange(0.0, 8.0)[:, None] * [0.25, 0.0, 0.0]  # exact in binary
    np.testing.assert_array_equal(first_come(row, 0.25), row[::2])


def test_samples_of_a_triangle_are_its_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dtu, "AT_ONCE", 37)  # several parts in a triangle, and the reverse
    rng = np.random.default_rng(2)
    triangles = rng.normal(size=(40, 3, 3)) * rng.choice([0.1, 1.0, 3.0], size=(40, 1, 1))
    expected = []
    for a, b, c in triangles:
        u, v = b - a, c - a
        sine = np.sqrt(1.0 - (u @ v) ** 2 / (u @ u) / (v @ v))
        # a cell's sides keep the ratio 1, and its area is 0.2 x 0.2
        side = 0.2 / np.sqrt(sine)
        m, n = int(np.linalg.norm(u) / side), int(np.linalg.norm(v) / side)
        for i in range(m):
            for j in range(n):
                p, q = (i + 0.5) / m, (j + 0.5) / n
                if p + q < 1.0:
                    expected.append(a + p * u + q * v)
    got = grid_points(triangles, 0.2)
    np.testing.assert_allclose(got, np.array(expected), atol=1e-12)


def test_there_is_about_one_sample_for_each_square() -> None:
    triangle = np.array([[[0.0, 0.0, 0.0], [30.0, 0.0, 0.0], [10.0, 20.0, 5.0]]])
    area = np.linalg.norm(np.cross(triangle[0, 1], triangle[0, 2])) / 2.0
    assert len(grid_points(triangle, 0.2)) == pytest.approx(area / 0.04, rel=0.02)
