# SPDX-License-Identifier: GPL-3.0-or-later
"""Unwrapped meshes: places, texels, normal maps, files; and holes that are closed before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from lightkiln.mesh.atlas import rasterize_atlas, spread, texel_size
from lightkiln.mesh.clean import keep_triangles
from lightkiln.mesh.export_textured import load_textured, save_textured
from lightkiln.mesh.holes import boundary_loops, fill_holes
from lightkiln.mesh.normal_map import bake_normals, tangents
from lightkiln.mesh.unwrap import unwrap
from lightkiln.ops.triangles import vertex_normals
from lightkiln_shared.geometry import TexturedMesh, TriangleMesh
from numpy.typing import NDArray
from PIL import Image

SIZE = 256


def ball(subdivisions: int = 3) -> TriangleMesh:
    """The unit ball, its normals exact."""
    made = trimesh.creation.icosphere(subdivisions=subdivisions)
    positions = np.asarray(made.vertices, dtype=np.float32)
    return TriangleMesh(
        positions=positions, triangles=np.asarray(made.faces, dtype=np.int32), normals=positions
    )


def sheet(count: int, height: Any = None) -> TriangleMesh:
    """The unit square with `count` cells along an edge, raised to `height(x)`."""
    steps = np.linspace(0.0, 1.0, count + 1)
    x, y = (grid.ravel() for grid in np.meshgrid(steps, steps))
    positions = np.stack([x, y, np.zeros_like(x) if height is None else height(x)], axis=-1)
    corner = (np.arange(count)[:, None] * (count + 1) + np.arange(count)).ravel()
    right, above = corner + 1, corner + count + 1
    triangles = np.concatenate(
        [np.stack([corner, right, above + 1], -1), np.stack([corner, above + 1, above], -1)]
    )
    positions, triangles = positions.astype(np.float32), triangles.astype(np.int32)
    normals = vertex_normals(positions, triangles)
    return TriangleMesh(positions=positions, triangles=triangles, normals=normals)


def flat_areas(triangles: NDArray[Any], uvs: NDArray[Any]) -> NDArray[Any]:
    """Positive where corners are counter-clockwise."""
    a, b, c = (uvs[triangles[:, k]].astype(np.float64) for k in range(3))
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2.0


def test_unwrapping_keeps_the_surface_and_mirrors_nothing() -> None:
    mesh = ball()
    unwrapped, uvs = unwrap(mesh, SIZE)
    np.testing.assert_array_equal(
        unwrapped.positions[unwrapped.triangles], mesh.positions[mesh.triangles]
    )
    assert uvs.min() >= 0.0
    assert uvs.max() <= 1.0
    turned_over = flat_areas(unwrapped.triangles, uvs) <= 0.0
    assert turned_over.mean() < 0.005  # a conformal map may fold a few triangles, never a chart


def test_charts_do_not_overlap() -> None:
    unwrapped, uvs = unwrap(ball(), SIZE)
    covered = len(rasterize_atlas(unwrapped.triangles, uvs, SIZE).place)
    area = flat_areas(unwrapped.triangles, uvs).sum() * SIZE**2
    assert covered == pytest.approx(area, rel=0.02)


def test_texels_lie_where_the_surface_is() -> None:
    unwrapped, uvs = unwrap(ball(), SIZE)
    atlas = rasterize_atlas(unwrapped.triangles, uvs, SIZE)
    points = atlas.interpolate(unwrapped.triangles, unwrapped.positions)
    places = atlas.interpolate(unwrapped.triangles, uvs) * SIZE
    row, column = np.divmod(atlas.place, SIZE)
    np.testing.assert_allclose(places[:, 0], column + 0.5, atol=1e-2)
    np.testing.assert_allclose(places[:, 1], SIZE - (row + 0.5), atol=1e-2)
    np.testing.assert_allclose(np.linalg.norm(points, axis=-1), 1.0, atol=0.02)
    assert texel_size(unwrapped, uvs, SIZE) ** 2 * len(points) == pytest.approx(
        4.0 * np.pi, rel=0.03
    )


def test_texels_outside_the_islands_take_the_nearest_ones_value() -> None:
    unwrapped, uvs = unwrap(ball(1), 64)
    atlas = rasterize_atlas(unwrapped.triangles, uvs, 64)
    image = atlas.image(atlas.place[:, None].astype(np.int64))[..., 0]
    inside = np.stack(np.divmod(atlas.place, 64), axis=-1)
    everywhere = np.stack(np.indices((64, 64)), axis=-1).reshape(-1, 2)
    chosen = np.stack(np.divmod(image.ravel(), 64), axis=-1)
    least = ((everywhere[:, None] - inside[None]) ** 2).sum(axis=-1).min(axis=1)
    np.testing.assert_array_equal(((everywhere - chosen) ** 2).sum(axis=-1), least)


def test_unseen_places_take_the_colours_that_are_near() -> None:
    points = np.random.default_rng(1).uniform(size=(4000, 3)).astype(np.float32)
    filled = spread(points, points.copy(), np.linalg.norm(points - 0.5, axis=-1) > 0.15)
    assert np.abs(filled - points).max() < 0.2
    nothing_known = spread(points, points.copy(), np.zeros(len(points), dtype=bool))
    np.testing.assert_array_equal(nothing_known, points)


@pytest.mark.parametrize("turned", [False, True], ids=["u along x", "u along y"])
def test_the_normal_map_of_a_wave_is_its_slope(turned: bool) -> None:
    slope = 0.3
    dense = sheet(200, lambda x: slope / 20.0 * np.sin(20.0 * x))
    flat = sheet(2)
    x, y = flat.positions[:, 0], flat.positions[:, 1]
    uvs = np.stack([y, 1.0 - x] if turned else [x, y], axis=-1)
    image = bake_normals(flat, uvs, dense, 64).astype(np.float64) / 127.5 - 1.0
    across = (np.arange(64) + 0.5) / 64
    tilt = slope * np.cos(20.0 * across)
    length = np.sqrt(1.0 + tilt**2)
    nothing = np.zeros(64)
    if turned:  # v falls as x grows: a slope up along x leans along +v
        expected = np.stack([nothing, tilt / length, 1.0 / length], axis=-1)[:, None]
    else:
        expected = np.stack([-tilt / length, nothing, 1.0 / length], axis=-1)[None]
    assert np.abs(image - expected)[2:-2, 2:-2].max() < 0.03  # four bytes


def test_tangents_lie_in_the_plane_of_the_normals() -> None:
    unwrapped, uvs = unwrap(ball(), SIZE)
    assert unwrapped.normals is not None
    t = tangents(unwrapped, unwrapped.normals, uvs)
    np.testing.assert_allclose(np.linalg.norm(t, axis=-1), 1.0, atol=1e-5)
    assert np.abs((t * unwrapped.normals).sum(axis=-1)).max() < 1e-5


def test_the_surfaces_own_normals_are_the_maps_middle() -> None:
    unwrapped, uvs = unwrap(ball(), 64)
    image = bake_normals(unwrapped, uvs, ball(5), 64)
    assert np.abs(image.astype(int) - (128, 128, 255)).max() <= 4


@given(gone=st.sets(st.integers(0, 319), min_size=1, max_size=60))
@settings(max_examples=40, deadline=None)
def test_any_holes_of_a_ball_are_closed(gone: set[int]) -> None:
    mesh = ball(2)
    keep = np.ones(len(mesh.triangles), dtype=bool)
    keep[list(gone)] = False
    filled = fill_holes(keep_triangles(mesh, keep))
    assert boundary_loops(filled) == []
    assert trimesh.Trimesh(filled.positions, filled.triangles, process=False).volume > 2.5


def test_a_closed_mesh_is_left_as_it_is() -> None:
    mesh = ball(1)
    assert fill_holes(mesh) is mesh


def textured_ball() -> TexturedMesh:
    unwrapped, uvs = unwrap(ball(1), 32)
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, size=(2, 32, 32, 3), dtype=np.uint8)
    return TexturedMesh(mesh=unwrapped, uvs=uvs, base_color=images[0], normal_map=images[1])


def test_a_textured_glb_comes_back_as_it_was(tmp_path: Path) -> None:
    saved = textured_ball()
    save_textured(saved, tmp_path / "ball.glb")
    loaded = load_textured(tmp_path / "ball.glb")
    np.testing.assert_allclose(loaded.mesh.positions, saved.mesh.positions, atol=1e-6)
    np.testing.assert_array_equal(loaded.mesh.triangles, saved.mesh.triangles)
    np.testing.assert_allclose(loaded.uvs, saved.uvs, atol=1e-6)
    np.testing.assert_array_equal(loaded.base_color, saved.base_color)
    assert loaded.normal_map is not None
    np.testing.assert_array_equal(loaded.normal_map, saved.normal_map)


def test_an_obj_brings_its_material_and_images(tmp_path: Path) -> None:
    saved = textured_ball()
    save_textured(saved, tmp_path / "my ball.obj")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"my ball.obj", "my ball.mtl", "my ball_basecolor.png", "my ball_normal.png"}
    loaded = trimesh.load(tmp_path / "my ball.obj", process=False, maintain_order=True)
    np.testing.assert_allclose(
        loaded.visual.uv[loaded.faces], saved.uvs[saved.mesh.triangles], atol=1e-6
    )
    image = np.asarray(loaded.visual.material.image)
    np.testing.assert_array_equal(image, saved.base_color)


def test_a_ply_has_a_place_for_each_vertex(tmp_path: Path) -> None:
    saved = textured_ball()
    save_textured(saved, tmp_path / "ball.ply")
    header = (tmp_path / "ball.ply").read_bytes().partition(b"end_header")[0].decode()
    assert "property float s\nproperty float t\n" in header
    raw = trimesh.load(tmp_path / "ball.ply", process=False).metadata["_ply_raw"]["vertex"]["data"]
    np.testing.assert_array_equal(np.stack([raw["s"], raw["t"]], -1).reshape(-1, 2), saved.uvs)
    image = np.asarray(Image.open(tmp_path / "ball_basecolor.png"))
    np.testing.assert_array_equal(image, saved.base_color)
