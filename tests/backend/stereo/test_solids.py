# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed distances, rays, hulls and fusion, against a ball and the scene of two balls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import synthetic
from lightkiln.mesh.extract import extract
from lightkiln.ops.bricks import from_dense
from lightkiln.ops.kernels.redistance import redistance
from lightkiln.stereo import consistency, fusion, hull, lattice
from lightkiln.stereo.depth_maps import DepthMap, Enclosure, unknown
from lightkiln.stereo.lattice import Lattice
from lightkiln.stereo.surfels import surfels
from lightkiln.stereo.trace import entry_depth
from lightkiln.stereo.views import GreyView
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray
from PIL import Image

RADIUS = 0.6
BOX = Region(shape=RegionShape.BOX, world_from_region=np.diag([0.9, 0.8, 1.0, 1.0]))


def test_distances_are_restored_from_any_function_with_the_same_zero_level() -> None:
    place, true = _ball(60)
    bent = (true * (1.0 + 0.6 * np.sin(7.0 * true) ** 2) + 2.0 * true**3).astype(np.float32)
    restored = redistance(bent, place.voxel)
    near = np.abs(true) < 4.0 * place.voxel
    assert np.array_equal(restored < 0.0, bent < 0.0)
    assert np.abs(restored - true)[near].max() < 0.4 * place.voxel
    assert np.abs(restored - true)[near].mean() < 0.07 * place.voxel


def test_rays_meet_a_ball_where_the_quadratic_equation_says() -> None:
    place, distance = _ball(80)
    camera = _camera(np.array([2.0, -1.0, 0.7]))
    for backwards, sign in ((False, -1.0), (True, 1.0)):
        depth = entry_depth(distance, place, camera, backwards=backwards)
        true = _ball_depth(camera, sign)
        both = (depth > 0.0) & np.isfinite(true)
        assert np.mean((depth > 0.0) == np.isfinite(true)) > 0.98
        assert np.abs(depth - true)[both].mean() < 0.1 * place.voxel


def test_a_rotated_region_is_bounded_and_cut_where_it_ends() -> None:
    turn, half = 0.5, np.array([0.5, 0.9, 0.3])
    placed = np.eye(4)
    placed[:3, :3] = np.array(
        [[np.cos(turn), -np.sin(turn), 0.0], [np.sin(turn), np.cos(turn), 0.0], [0.0, 0.0, 1.0]]
    ) @ np.diag(half)
    placed[:3, 3] = [3.0, -1.0, 0.5]
    region = Region(shape=RegionShape.BOX, world_from_region=placed)
    low, high = lattice.bounds(region)
    place = lattice.around(low, high, 100, margin=2.0)
    inside = np.argwhere(lattice.region_distance(region, place) < 0.0) * place.voxel + place.origin
    local = (inside - placed[:3, 3]) @ np.linalg.inv(placed[:3, :3]).T
    assert np.abs(local).max() <= 1.0 + 1e-6
    volume = len(inside) * place.voxel**3
    assert volume == pytest.approx(8.0 * half.prod(), rel=0.05)


def test_the_hull_of_two_balls_holds_them_and_little_more(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    views, region = _views(synthetic_scene), _region()
    place, distance = hull.enclose(views, region, 64)
    surface = synthetic_scene.mesh.positions
    at = np.rint((surface - place.origin) / place.voxel).astype(int)
    assert distance[tuple(at.T)].max() < 1.5 * place.voxel
    mesh = extract(from_dense(distance[..., None], np.ones(place.shape, bool), place.origin, 1e-9))
    outside = np.argwhere(distance < 0.0) * place.voxel + place.origin
    assert synthetic_scene.sdf(outside).max() < 0.2  # metres; sixteen views leave corners
    assert len(mesh.triangles) > 1000


def test_one_mask_without_the_object_does_not_take_it_away(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    views = _views(synthetic_scene)
    whole = _volume(*hull.enclose(views, _region(), 48))
    views[3] = replace(views[3], mask=np.zeros_like(views[3].mask))
    assert _volume(*hull.enclose(views, _region(), 48)) == pytest.approx(whole, rel=0.1)


def test_masks_that_have_nothing_in_common_are_named(
    synthetic_scene: synthetic.SyntheticScene,
) -> None:
    views = [replace(v, mask=np.zeros_like(v.mask)) for v in _views(synthetic_scene)]
    with pytest.raises(NothingReconstructed, match="within all masks"):
        hull.enclose(views, _region(), 48)


def test_surfels_stand_where_the_ball_is_and_face_the_camera() -> None:
    depth_map = _ball_map(_camera(np.array([0.3, -2.5, 0.4])))
    patches = surfels(depth_map)
    known = patches.weights > 0.2
    points, normals = patches.points[known], patches.planes[known][:, :3]
    assert np.abs(np.linalg.norm(points, axis=-1) - RADIUS).max() < 1e-4
    assert np.abs((normals * points).sum(axis=-1) - RADIUS).max() < 0.02
    offsets = (normals * points).sum(axis=-1) + patches.planes[known][:, 3]
    assert np.abs(offsets).max() < 1e-5


@pytest.mark.parametrize("masked", [False, True])
def test_true_depth_maps_fuse_to_the_true_surface(masked: bool) -> None:
    maps = [_ball_map(_camera(2.5 * direction)) for direction in _directions(14)]
    place = lattice.around(np.full(3, -0.75), np.full(3, 0.75), 48, margin=4.0)
    # With masks the enclosure is a hull, here the ball and a little more; without, a box.
    reach = 0.66 if masked else 0.75
    shape = RegionShape.SPHERE if masked else RegionShape.BOX
    placed = np.diag([reach, reach, reach, 1.0])
    border = lattice.region_distance(Region(shape=shape, world_from_region=placed), place)
    solid = Enclosure(lattice=place, distance=border)
    grid = fusion.fuse(maps, solid, border if masked else None)
    points = extract(grid).positions
    error = np.linalg.norm(points, axis=-1) - RADIUS
    assert np.abs(error).mean() < 0.1 * place.voxel
    assert np.abs(error).max() < 1.0 * place.voxel


def test_a_depth_that_no_other_view_sees_is_not_believed() -> None:
    maps = [_ball_map(_camera(2.5 * direction)) for direction in _directions(14)]
    lie = maps[0].planes.copy()
    lie[20:30, 20:30, 0] *= 1.1  # a tenth nearer: 19 cm before the surface
    others = [[n for n in range(14) if n != m] for m in range(14)]
    kept = consistency.confirmed([replace(maps[0], planes=lie), *maps[1:]], others, 2)[0]
    assert kept.confidence[20:30, 20:30].max() == 0.0
    honest = maps[0].confidence > 0.0
    honest[18:32, 18:32] = False
    assert np.mean(kept.confidence[honest] > 0.0) > 0.9


def _ball(resolution: int) -> tuple[Lattice, NDArray[Any]]:
    place = lattice.around(*lattice.bounds(BOX), resolution)
    points = np.stack(np.meshgrid(*place.axes, indexing="ij"), axis=-1)
    return place, (np.linalg.norm(points, axis=-1) - RADIUS).astype(np.float32)


def _camera(position: NDArray[Any]) -> Camera:
    return Camera(
        world_from_camera=synthetic.look_at(position, np.zeros(3)),
        focal=(90.0, 90.0),
        principal_point=(32.0, 24.0),
        width=64,
        height=48,
    )


def _ball_depth(camera: Camera, sign: float = -1.0, shift: tuple[int, int] = (0, 0)) -> Any:
    """Depth (H, W) along the axis of the ball's near (-1) or far (+1) side; infinite beside it."""
    row, column = np.indices((camera.height, camera.width)) + 0.5
    x = (column + shift[0] - camera.principal_point[0]) / camera.focal[0]
    y = (row + shift[1] - camera.principal_point[1]) / camera.focal[1]
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ camera.world_from_camera[:3, :3].T
    a, b = (rays**2).sum(axis=-1), rays @ camera.centre
    root = b**2 - a * (camera.centre @ camera.centre - RADIUS**2)
    near = (-b + sign * np.sqrt(np.maximum(root, 0.0))) / a
    return np.where(root > 0.0, near, np.inf)


def _ball_map(camera: Camera) -> DepthMap:
    """The ball's true depth map; slopes from the rays half a pixel to either side."""
    w = 1.0 / _ball_depth(camera)
    before, behind = (
        1.0 / _ball_depth(camera, shift=(-1, 0)),
        1.0 / _ball_depth(camera, shift=(1, 0)),
    )
    above, below = 1.0 / _ball_depth(camera, shift=(0, -1)), 1.0 / _ball_depth(camera, shift=(0, 1))
    whole = np.min([w, before, behind, above, below], axis=0) > 0.0
    planes = np.stack([w, (behind - before) / 2, (below - above) / 2], axis=-1)
    empty = unknown(camera, 1)
    return DepthMap(
        camera=empty.camera,
        planes=planes.astype(np.float32),
        confidence=whole.astype(np.float32),
    )


def _volume(place: Lattice, distance: NDArray[Any]) -> float:
    """Of a solid, cubic metres."""
    return float((distance < 0.0).sum() * place.voxel**3)


def _directions(count: int) -> list[NDArray[Any]]:
    """About evenly spread over the sphere, none of them straight up."""
    height = 0.95 * (1.0 - 2.0 * (np.arange(count) + 0.5) / count)
    angle = np.arange(count) * np.pi * (3.0 - np.sqrt(5.0))
    ring = np.sqrt(1.0 - height**2)
    return list(np.stack([ring * np.cos(angle), ring * np.sin(angle), height], axis=-1))


def _region() -> Region:
    placed = np.diag([1.0, 1.0, 1.0, 1.0])
    placed[:3, 3] = synthetic.LOOK_AT
    return Region(shape=RegionShape.BOX, world_from_region=placed)


def _views(scene: synthetic.SyntheticScene) -> list[GreyView]:
    views = []
    for index, camera in enumerate(scene.cameras):
        with Image.open(scene.folder / f"images/view_{index:02}.png") as image:
            pixels = np.asarray(image, dtype=np.float32) / 255.0
        views.append(GreyView(camera=camera, grey=pixels[..., 0], mask=pixels[..., 3].copy()))
    return views
