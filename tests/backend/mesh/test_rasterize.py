# SPDX-License-Identifier: GPL-3.0-or-later
"""The rasteriser against ray casting."""

from __future__ import annotations

import numpy as np
from lightkiln.mesh.rasterize import interpolate, rasterize, shade
from lightkiln.metrics.images import psnr
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from PIL import Image
from synthetic import SyntheticScene, look_at

CAMERA = Camera(
    world_from_camera=look_at(np.array([0.3, -2.0, 1.1]), np.zeros(3)),
    focal=(70.0, 80.0),
    principal_point=(30.0, 21.0),
    width=64,
    height=48,
)


def squares(*heights: float) -> TriangleMesh:
    """Squares of 1 m parallel to the ground, one above the other."""
    corners = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
    levels = [np.column_stack([corners, np.full(4, z)]) for z in heights]
    faces = [np.array([[0, 1, 2], [0, 2, 3]]) + 4 * i for i in range(len(heights))]
    return TriangleMesh(
        positions=np.concatenate(levels).astype(np.float32),
        triangles=np.concatenate(faces).astype(np.int32),
    )


def hits(height: float) -> tuple[np.ndarray, np.ndarray]:
    """Where the rays through pixel centres meet the level z = height, and their depth."""
    u, v = np.meshgrid(np.arange(64) + 0.5, np.arange(48) + 0.5)
    local = np.stack([(u - 30.0) / 70.0, (v - 21.0) / 80.0, np.ones_like(u)], axis=-1)
    rays = local @ CAMERA.world_from_camera[:3, :3].T
    depth = (height - CAMERA.centre[2]) / rays[..., 2]  # rays have depth 1
    return CAMERA.centre + depth[..., None] * rays, depth


def test_depth_and_positions_are_those_of_the_rays_and_the_nearer_square_wins() -> None:
    mesh = squares(0.0, 0.4)
    raster = rasterize(mesh, CAMERA)
    low, low_depth = hits(0.0)
    high, high_depth = hits(0.4)
    on_high = (np.abs(high[..., :2]) < 0.5).all(axis=-1)
    on_low = (np.abs(low[..., :2]) < 0.5).all(axis=-1) & ~on_high
    assert on_high.sum() > 200 and on_low.sum() > 100
    np.testing.assert_array_equal(raster.seen, on_high | on_low)
    np.testing.assert_array_equal(raster.triangle[on_low] < 2, True)
    np.testing.assert_allclose(raster.depth[on_low], low_depth[on_low], rtol=1e-5)
    np.testing.assert_allclose(raster.depth[on_high], high_depth[on_high], rtol=1e-5)
    where = interpolate(raster, mesh, mesh.positions)
    np.testing.assert_allclose(where[on_low], low[on_low], atol=1e-5)
    np.testing.assert_allclose(where[on_high], high[on_high], atol=1e-5)


def test_what_reaches_behind_the_camera_is_left_out() -> None:
    mesh = squares(0.0)
    behind = TriangleMesh(positions=mesh.positions * np.float32(100), triangles=mesh.triangles)
    assert not rasterize(behind, CAMERA).seen.any()


def test_the_true_mesh_looks_like_its_photographs(synthetic_scene: SyntheticScene) -> None:
    for index in (0, 5, 11):
        path = synthetic_scene.folder / f"images/view_{index:02}.png"
        photo = np.asarray(Image.open(path))
        picture = shade(synthetic_scene.mesh, synthetic_scene.cameras[index], samples=4)
        solid = (photo[..., 3] == 255) & (picture[..., 3] == 255)
        # Colours are interpolated over triangles of 2 cm, an eighth of the finest wave.
        assert psnr(picture[..., :3], photo[..., :3], solid) > 37.0
        assert psnr(picture[..., 3:], photo[..., 3:]) > 35.0


def test_clay_is_brightest_where_the_surface_faces_the_camera(
    synthetic_scene: SyntheticScene,
) -> None:
    camera = synthetic_scene.cameras[0]
    clay = shade(synthetic_scene.mesh, camera, clay=True)
    raster = rasterize(synthetic_scene.mesh, camera)
    normals = synthetic_scene.mesh.normals
    facing = interpolate(raster, synthetic_scene.mesh, normals) @ camera.world_from_camera[:3, 2]
    grey = clay[..., 0][raster.seen].astype(float)
    assert np.corrcoef(grey, -facing[raster.seen])[0, 1] > 0.95
    assert (clay[..., 0] == clay[..., 2]).all()
