# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own projection is the oracle of `convert`."""

from __future__ import annotations

import itertools

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from conftest import module
from mathutils import Matrix, Vector

CASES = list(
    itertools.product(
        ("AUTO", "HORIZONTAL", "VERTICAL"),
        ((0.0, 0.0), (0.13, -0.07)),
        ((1.0, 1.0), (1.0, 1.5), (2.0, 1.0)),
        ((640, 480), (480, 640), (333, 333)),
    )
)
NUM_POINTS = 1000


def _camera(fit: str, shift: tuple[float, float]) -> bpy.types.Object:
    data = bpy.data.cameras.new("oracle")
    data.sensor_fit, data.lens = fit, 41.0
    data.sensor_width, data.sensor_height = 30.0, 21.0
    data.shift_x, data.shift_y = shift
    camera = bpy.data.objects.new("oracle", data)
    bpy.context.scene.collection.objects.link(camera)
    camera.location, camera.rotation_euler = (1.0, -4.0, 2.0), (1.1, 0.2, 0.3)
    camera.scale = (2.0, 2.0, 2.0)  # Blender renders as if it were not there
    bpy.context.view_layer.update()
    return camera


def _points(camera: bpy.types.Object, width: int, height: int) -> np.ndarray:
    rng = np.random.default_rng(5)
    cloud = rng.uniform((-1, -1, -9), (1, 1, -2), size=(NUM_POINTS, 3)) * (2.0, 2.0, 1.0)
    pose = np.array(camera.matrix_world.normalized())
    return cloud @ pose[:3, :3].T + pose[:3, 3]


@pytest.mark.parametrize(("fit", "shift", "aspect", "size"), CASES)
def test_a_point_falls_on_the_same_pixel_as_in_blender(
    fit: str,
    shift: tuple[float, float],
    aspect: tuple[float, float],
    size: tuple[int, int],
) -> None:
    export, convert = module("scene_export"), module("convert")
    project = module("shared.camera").project
    scene, camera = bpy.context.scene, _camera(fit, shift)
    render = scene.render
    render.resolution_x, render.resolution_y = size
    render.pixel_aspect_x, render.pixel_aspect_y = aspect
    ours = convert.camera_from_blender(
        np.array(camera.matrix_world), export.lens_of(camera.data, scene), *size
    )
    points = _points(camera, *size)
    pixels, depth = project(ours, points)

    matrix = np.array(
        camera.calc_matrix_camera(
            bpy.context.evaluated_depsgraph_get(),
            x=size[0],
            y=size[1],
            scale_x=aspect[0],
            scale_y=aspect[1],
        )
        @ camera.matrix_world.normalized().inverted()
    )
    clip = np.c_[points, np.ones(NUM_POINTS)] @ matrix.T
    ndc = clip[:, :2] / clip[:, 3:]
    theirs = (ndc * (0.5, -0.5) + 0.5) * size
    assert np.abs(pixels - theirs).max() < 0.01
    assert (depth > 0).all()


@pytest.mark.parametrize("size", [(640, 480), (480, 640)])
def test_it_agrees_with_world_to_camera_view(size: tuple[int, int]) -> None:
    scene, camera = bpy.context.scene, _camera("AUTO", (0.0, 0.1))
    scene.render.resolution_x, scene.render.resolution_y = size
    lens = module("scene_export").lens_of(camera.data, scene)
    ours = module("convert").camera_from_blender(np.array(camera.matrix_world), lens, *size)
    points = _points(camera, *size)
    pixels, _ = module("shared.camera").project(ours, points)
    views = np.array([world_to_camera_view(scene, camera, Vector(p)) for p in points])
    theirs = np.stack([views[:, 0], 1.0 - views[:, 1]], axis=-1) * size
    assert np.abs(pixels - theirs).max() < 0.01


def test_a_viewport_is_a_camera_too() -> None:
    camera = _camera("AUTO", (0.1, 0.05))
    window = camera.calc_matrix_camera(bpy.context.evaluated_depsgraph_get(), x=800, y=500)
    view = camera.matrix_world.normalized().inverted()
    matrices = (np.array(m, dtype=np.float32) for m in (view, window))  # some Blenders give these
    ours = module("convert").camera_from_view(*matrices, 800, 500)
    module("shared.codec").pack(
        module("shared.messages").LookFrom(job_id="0" * 16, camera=ours), request_id=1
    )
    points = _points(camera, 800, 500)
    pixels, _ = module("shared.camera").project(ours, points)
    clip = np.c_[points, np.ones(NUM_POINTS)] @ np.array(window @ view).T
    theirs = (clip[:, :2] / clip[:, 3:] * (0.5, -0.5) + 0.5) * (800, 500)
    assert np.abs(pixels - theirs).max() < 0.01


def test_a_pose_comes_back_as_it_went() -> None:
    convert = module("convert")
    matrix = Matrix.LocRotScale(Vector((1, 2, 3)), Matrix.Rotation(0.7, 3, "X"), None)
    pose = convert.unscaled(np.array(matrix)) @ convert.FLIP_Y_Z
    assert np.allclose(convert.blender_from_pose(pose), np.array(matrix), atol=1e-6)
