# SPDX-License-Identifier: GPL-3.0-or-later
"""A texture made of the colours of vertices keeps what fewer vertices lose."""

from __future__ import annotations

import numpy as np
from lightkiln.mesh.color_map import bake_colors
from lightkiln.ops.colors import linear_from_srgb
from lightkiln_shared.geometry import TriangleMesh

SIDE = 33


def grid(height: float = 0.0, *, turned: bool = False) -> TriangleMesh:
    """The square [0, 1]² at a height, its colours x, y and 0; `turned` faces down and is blue."""
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    corner = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).reshape(-1)
    one = np.stack([corner, corner + 1, corner + SIDE + 1], axis=1)
    two = np.stack([corner, corner + SIDE + 1, corner + SIDE], axis=1)
    triangles = np.concatenate([one, two]).astype(np.int32)
    flat = np.full(x.size, height)
    colors = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1).astype(np.float32)
    return TriangleMesh(
        positions=np.stack([x.ravel(), y.ravel(), flat], axis=1).astype(np.float32),
        triangles=triangles[:, ::-1] if turned else triangles,
        colors=np.tile(np.float32([0, 0, 1]), (x.size, 1)) if turned else colors,
    )


SQUARE = TriangleMesh(
    positions=np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], dtype=np.float32),
    triangles=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
)
PLACES = np.ascontiguousarray(SQUARE.positions[:, :2])


def test_two_triangles_show_the_colours_of_two_thousand() -> None:
    texture = linear_from_srgb(bake_colors(SQUARE, PLACES, grid(), 64) / 255.0)
    middle = (np.arange(64) + 0.5) / 64
    assert np.abs(texture[..., 0] - middle).max() < 0.03  # half a vertex's distance
    assert np.abs(texture[::-1, :, 1] - middle[:, None]).max() < 0.03
    assert texture[..., 2].max() == 0.0


def test_the_back_of_a_thin_wall_does_not_shine_through() -> None:
    front, back = grid(), grid(-0.001, turned=True)
    wall = TriangleMesh(
        positions=np.concatenate([front.positions, back.positions]),
        triangles=np.concatenate([front.triangles, back.triangles + len(front.positions)]),
        colors=np.concatenate([front.colors, back.colors]),
    )
    assert bake_colors(SQUARE, PLACES, wall, 64)[..., 2].max() == 0


def test_a_mesh_without_colours_becomes_grey() -> None:
    assert np.unique(bake_colors(SQUARE, PLACES, SQUARE, 8)).tolist() == [127]
