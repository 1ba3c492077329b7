# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces from a network that can be asked anywhere: few questions, closed, of the right size."""

from __future__ import annotations

import numpy as np
import pytest
from lightkiln.learned.pictures import surface
from trimesh import Trimesh


def test_few_questions_give_the_mesh_of_many() -> None:
    asked = []

    def ball(x: np.ndarray) -> np.ndarray:
        asked.append(len(x))
        return 20.0 * (0.6 - np.linalg.norm(x - 0.1, axis=1))

    lattice = surface.begun(ball)
    for _ in range(surface.doublings(128)):
        lattice = surface.finer(lattice, ball, 0.5)
    few = sum(asked)
    steps = np.linspace(-1.0, 1.0, 129, dtype=np.float32)
    everywhere = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    dense = surface.Lattice(ball(everywhere).reshape((129,) * 3).astype(np.float32))
    first, second = (surface.solid(each, 0.5, 10**9) for each in (lattice, dense))
    assert few < 0.12 * len(everywhere)
    np.testing.assert_array_equal(first.triangles, second.triangles)
    np.testing.assert_allclose(first.positions, second.positions, atol=1e-4)
    radius = np.linalg.norm(first.positions - 0.1, axis=1)
    np.testing.assert_allclose(radius, 0.575, atol=2e-3)
    assert Trimesh(first.positions, first.triangles, process=False).volume == pytest.approx(
        4.0 / 3.0 * np.pi * 0.575**3, rel=0.01
    )
    outwards = ((first.positions - 0.1) * first.normals).sum(axis=1) / radius
    assert outwards.min() > 0.9


def test_what_touches_the_cube_is_closed_there() -> None:
    lattice = surface.begun(lambda x: 5.0 - 10.0 * x[:, 2])
    mesh = surface.solid(lattice, 0.0, 10**6)
    edges = np.sort(
        np.concatenate([mesh.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    )
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    assert Trimesh(mesh.positions, mesh.triangles, process=False).volume > 0.0
    assert np.ptp(surface.filling(mesh).positions, axis=0).max() == pytest.approx(1.8, abs=1e-4)
