# SPDX-License-Identifier: GPL-3.0-or-later
"""What an alignment leaves, as Blender's objects: exact cameras, points, a region; moved as one.

The small scene is made here, with a lens that has everything. Where its points fall is compared
through what the extension would send: `scene_export` and `convert`, tested against Blender's own
projection elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from mathutils import Matrix, Vector
from pictures import png

CENTRES = np.array([(3.0, 0.0, 1.0), (0.0, 3.0, 1.5), (-3.0, 0.0, 1.0), (0.0, -3.0, 0.5)])
WIDTH, HEIGHT = 320, 240
POINTS = np.random.default_rng(4).uniform(-0.8, 0.8, (400, 3)).astype(np.float32)
LENS = (-0.11, 0.02, 0.001, -0.002, 0.003)


def _pose(centre: np.ndarray) -> np.ndarray:
    """OpenCV's axes, looking at the origin."""
    forward = -centre / np.linalg.norm(centre)
    right = np.cross(forward, (0.0, 0.0, 1.0))
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = centre
    return pose


@pytest.fixture
def solved(tmp_path: Path) -> object:
    """Four cameras around a cloud of points in a box of half size 1."""
    scene, camera = module("shared.scene"), module("shared.camera")
    views, paths = [], {}
    for index, centre in enumerate(CENTRES):
        path = png(tmp_path / f"фото {index}.png", WIDTH, HEIGHT, 40 + index)
        ref = module("photographs").file_ref(path)
        paths[ref.sha256] = path
        lens = camera.Camera(
            world_from_camera=_pose(centre),
            focal=(301.25, 299.5),
            principal_point=(163.5, 117.25),
            width=WIDTH,
            height=HEIGHT,
            distortion=LENS,
        )
        views.append(scene.View(camera=lens, image=ref))
    region = scene.Region(shape=scene.RegionShape.BOX, world_from_region=np.eye(4))
    return module("solved").Solved(
        scene=scene.Scene(views=tuple(views), region=region),
        positions=POINTS,
        colors=np.full((len(POINTS), 3), (0.8, 0.2, 0.1), dtype=np.float32),
        paths=paths,
        unplaced=(module("solved").Unplaced(name="leer.png", text="It is plain."),),
    )


@pytest.fixture
def root(solved: object) -> bpy.types.Object:
    made = module("solve").add(bpy.context.scene, "Küche", "0" * 16, solved)
    module("solve").take_up(bpy.context.scene, made)
    bpy.context.view_layer.update()
    return made


def _sent() -> dict[str, object]:
    """The cameras as they would be submitted, by name."""
    export, convert = module("scene_export"), module("convert")
    shots = [export.shot(each, bpy.context.scene) for each in export.cameras(bpy.context)]
    return {
        shot.name: convert.camera_from_blender(shot.matrix_world, shot.lens, WIDTH, HEIGHT)
        for shot in shots
    }


def test_what_is_sent_is_what_was_solved(root: bpy.types.Object, solved: object) -> None:
    sent = _sent()
    project = module("shared.camera").project
    for view in solved.scene.views:
        camera = sent[Path(view.name).stem]
        assert np.allclose(camera.distortion, LENS, atol=1e-9)
        pixels, depth = project(camera, POINTS.astype(np.float64))
        true_pixels, true_depth = project(view.camera, POINTS.astype(np.float64))
        assert np.abs(pixels - true_pixels).max() < 2e-3  # Blender's numbers have 24 bits
        assert np.abs(depth - true_depth).max() < 1e-5
    assert module("scene_export").problem(bpy.context) == ""
    region = module("scene_export").region(bpy.context.scene.lightkiln.region)
    assert np.allclose(region.world_from_region, np.eye(4), atol=1e-6)
    render = bpy.context.scene.render
    assert (render.resolution_x, render.resolution_y) == (WIDTH, HEIGHT)
    assert module("solve").unplaced(root) == [("leer.png", "It is plain.")]


def _shown(cloud: bpy.types.Object) -> tuple[np.ndarray, np.ndarray]:
    """Places and colours of what the viewport draws."""
    mesh = cloud.evaluated_get(bpy.context.evaluated_depsgraph_get()).to_mesh()
    color = mesh.color_attributes.active_color
    places, colors = np.empty(3 * len(mesh.vertices)), np.empty(4 * len(mesh.vertices))
    mesh.attributes["position"].data.foreach_get("vector", places)
    color.data.foreach_get("color", colors)
    return places.reshape(-1, 3), colors.reshape(-1, 4)


def test_points_outside_the_region_are_grey_as_it_moves_and_changes(root: bpy.types.Object) -> None:
    (cloud,) = module("solve").clouds(root.children)
    region = bpy.context.scene.lightkiln.region
    grey = module("sparse_points").GREY

    def agrees(inside: Callable[[np.ndarray], np.ndarray]) -> None:
        bpy.context.view_layer.update()
        places, colors = (each.reshape(len(POINTS), -1, each.shape[1]) for each in _shown(cloud))
        np.testing.assert_allclose(places.mean(axis=1), POINTS, atol=1e-5)  # a body on each
        shown = colors[:, 0]
        is_grey = np.abs(shown - grey).max(axis=1) < 1e-5
        assert np.array_equal(~is_grey, inside(POINTS))

    agrees(lambda p: np.abs(p).max(axis=1) <= 1.0)
    region.location = (0.9, 0.0, 0.0)
    agrees(lambda p: np.abs(p - (0.9, 0.0, 0.0)).max(axis=1) <= 1.0)
    region.empty_display_type = "SPHERE"
    agrees(lambda p: np.linalg.norm(p - (0.9, 0.0, 0.0), axis=1) <= 1.0)
    region.empty_display_size = 0.7
    agrees(lambda p: np.linalg.norm(p - (0.9, 0.0, 0.0), axis=1) <= 0.7)
    bpy.context.scene.lightkiln.region = None
    agrees(lambda p: np.ones(len(p), dtype=bool))


def test_the_region_is_fitted_to_the_points_that_most_cameras_see(
    solved: object,
) -> None:
    noise = np.random.default_rng(5).normal(size=(20, 3)) * 40.0  # wrong points, far away
    solve, scene = module("solve"), bpy.context.scene
    crowd = replace(
        solved,
        positions=np.concatenate([POINTS * (1.0, 0.5, 0.25), noise]).astype(np.float32),
        colors=np.ones((len(POINTS) + len(noise), 3), dtype=np.float32),
    )
    root = solve.add(scene, "Crowd", "0" * 16, crowd)
    solve.take_up(scene, root)
    region = scene.lightkiln.region
    region.scale = (9.0, 9.0, 9.0)
    bpy.context.view_layer.update()
    assert bpy.ops.lightkiln.fit_region() == {"FINISHED"}
    bpy.context.view_layer.update()
    half = np.array(region.matrix_world.to_scale())
    assert np.all((half > np.multiply(0.8, (1.0, 0.5, 0.25))) & (half < (1.1, 0.6, 0.3)))
    assert np.allclose(region.matrix_world.translation, 0.0, atol=0.05)
    assert bpy.ops.lightkiln.shape_region(shape="SPHERE") == {"FINISHED"}
    assert bpy.ops.lightkiln.fit_region() == {"FINISHED"}
    assert module("scene_export").region(region).shape == "sphere"


def test_the_floor_the_scale_and_the_origin_are_one_step_each(
    root: bpy.types.Object, solved: object
) -> None:
    bpy.context.preferences.edit.use_global_undo = True
    turn = Matrix.Rotation(0.7, 4, "X") @ Matrix.Rotation(0.4, 4, "Y")
    root.matrix_world = turn
    bpy.context.view_layer.update()
    bpy.ops.ed.undo_push(message="before")
    assert not bpy.ops.lightkiln.set_scale.poll()  # four cameras are selected
    marks = [bpy.data.objects.new(f"mark {i}", None) for i in range(3)]
    for mark, place in zip(
        marks, ((0.0, 0.0, -0.5), (1.0, 0.0, -0.5), (0.0, 2.0, -0.5)), strict=True
    ):
        bpy.context.scene.collection.objects.link(mark)
        mark.parent = root
        mark.location = place
    _select(marks)
    assert bpy.ops.lightkiln.set_floor() == {"FINISHED"}
    bpy.context.view_layer.update()
    assert np.allclose([mark.matrix_world.translation.z for mark in marks], 0.0, atol=1e-5)
    up = root.matrix_world.to_3x3() @ Vector((0.0, 0.0, 1.0))
    assert np.allclose(up, (0.0, 0.0, 1.0), atol=1e-5)

    _select(marks[:2])
    assert bpy.ops.lightkiln.set_scale(distance=2.5) == {"FINISHED"}
    bpy.context.view_layer.update()
    first, second = (mark.matrix_world.translation for mark in marks[:2])
    assert (first - second).length == pytest.approx(2.5, abs=1e-5)

    bpy.context.scene.cursor.location = second
    assert bpy.ops.lightkiln.set_origin() == {"FINISHED"}
    bpy.context.view_layer.update()
    assert np.allclose(marks[1].matrix_world.translation, 0.0, atol=1e-5)
    _images_still_show_the_same(root, solved)
    bpy.ops.ed.undo_push(message="after")


def _select(things: list[bpy.types.Object]) -> None:
    for thing in bpy.context.scene.objects:
        thing.select_set(thing in things)
    bpy.context.view_layer.update()


def _images_still_show_the_same(root: bpy.types.Object, solved: object) -> None:
    """However the scene was moved, each camera sees each point where it saw it."""
    _select(module("solve").cameras(root))
    (cloud,) = module("solve").clouds(root.children)
    moved = module("sparse_points").positions_of(cloud)
    project = module("shared.camera").project
    for view in solved.scene.views:
        camera = _sent()[Path(view.name).stem]
        pixels, _ = project(camera, moved)
        true, _ = project(view.camera, POINTS.astype(np.float64))
        assert np.abs(pixels - true).max() < 5e-3


def test_points_on_one_line_are_no_floor(root: bpy.types.Object) -> None:
    marks = [bpy.data.objects.new(f"mark {i}", None) for i in range(3)]
    for index, mark in enumerate(marks):
        bpy.context.scene.collection.objects.link(mark)
        mark.location = (index, 0.0, 0.0)
    _select(marks)
    with pytest.raises(RuntimeError, match="lie on one line"):
        bpy.ops.lightkiln.set_floor()


@pytest.mark.parametrize("kind", ["colmap", "transforms"])
def test_a_solve_leaves_for_other_programs_and_comes_back(
    kind: str,
    root: bpy.types.Object,
    solved: object,
    tmp_path: Path,
    pump_until: Callable[..., None],
) -> None:
    status = module("status").current
    assert bpy.ops.lightkiln.export_solve(directory=str(tmp_path), kind=kind) == {"FINISHED"}
    assert not bpy.ops.lightkiln.import_solve.poll()  # one at a time
    pump_until(lambda: not status.converting)
    assert status.problem == ""
    before = {name: camera.camera_from_world for name, camera in _sent().items()}
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    (folder,) = tmp_path.glob(f"*-{kind}")
    assert bpy.ops.lightkiln.import_solve(directory=str(folder)) == {"FINISHED"}
    pump_until(lambda: module("solve").roots(bpy.context.scene))
    after = _sent()
    assert sorted(after) == sorted(before)
    for name, camera in after.items():
        assert np.allclose(camera.camera_from_world, before[name], atol=1e-5)
        assert np.allclose(camera.distortion, LENS, atol=1e-6)
        assert np.allclose(camera.focal, (301.25, 299.5), atol=1e-3)
    clouds = module("solve").clouds(bpy.context.scene.objects)
    assert [len(cloud.data.vertices) for cloud in clouds] == ([400] if kind == "colmap" else [])


def test_a_folder_without_cameras_is_told_in_a_sentence(
    tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    bpy.ops.lightkiln.import_solve(directory=str(tmp_path))
    pump_until(lambda: not module("status").current.converting)
    assert "no camera poses" in module("status").current.problem
