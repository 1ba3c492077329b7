# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned shapes in the panel, against a real backend: what is offered, refused and imported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module


@pytest.fixture
def shape(pump_until: Callable[..., None]) -> bpy.types.PropertyGroup:
    """The settings, with a backend that has learned shapes."""
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.shapers)
    return bpy.context.scene.lightkiln.shape


def _reason() -> str:
    with pytest.raises(RuntimeError) as caught:
        bpy.ops.lightkiln.shape()
    return str(caught.value)


def test_they_are_offered_apart_from_what_needs_cameras(shape: bpy.types.PropertyGroup) -> None:
    current = module("status").current
    assert {"pifu", "occupancy-network", "deepsdf", "vae3d"} <= set(current.shapers)
    assert not set(current.shapers) & {*current.methods, *current.writers}


def test_a_seed_becomes_a_mesh_at_the_cursor(
    shape: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    bpy.context.scene.cursor.location = (1.0, 2.0, 3.0)
    shape.method, shape.seed, shape.size = "vae3d", 7, 0.5
    assert bpy.ops.lightkiln.shape() == {"FINISHED"}
    job = module("status").current.job
    pump_until(lambda: job.imported)
    made = bpy.data.objects[job.imported_as]
    bpy.context.view_layer.update()
    corners = np.array([made.matrix_world @ vertex.co for vertex in made.data.vertices])
    assert np.allclose(made.location, (1.0, 2.0, 3.0))
    middle = 0.5 * (corners.min(axis=0) + corners.max(axis=0))
    assert np.abs(middle - (1.0, 2.0, 3.0)).max() < 0.1
    assert 0.2 < np.ptp(corners, axis=0).max() <= 0.51


def test_what_is_missing_is_said_before_anything_is_sent(
    shape: bpy.types.PropertyGroup, tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    shape.method = "pifu"
    assert "Choose the photograph" in _reason()
    shape.method = "deepsdf"
    assert "Choose the points" in _reason()
    shape.method, shape.picture = "pifu", str(tmp_path / "gone.png")
    assert bpy.ops.lightkiln.shape() == {"FINISHED"}
    job = module("status").current.job
    pump_until(lambda: job.is_over)
    assert "is not there" in job.reason


def _box(name: str, size: tuple[float, float, float]) -> bpy.types.Object:
    bpy.ops.mesh.primitive_cube_add(size=1.0)
    made = bpy.context.active_object
    made.name, made.scale = name, size
    return made


def test_a_new_one_of_the_kind_of_the_selected_meshes(
    shape: bpy.types.PropertyGroup, pump_until: Callable[..., None]
) -> None:
    shape.method, shape.meshes, shape.size, shape.seed = "own-shapes", "SELECTED", 1.0, 3
    bpy.ops.object.select_all(action="DESELECT")
    assert "Select 2 meshes or more" in _reason()
    boxes = [_box(f"Box {n}", (0.4 + 0.1 * n, 0.3, 2.0)) for n in range(3)]
    for box in boxes:
        box.select_set(True)
    bpy.context.scene.lightkiln_params.own_shapes.steps = 12
    bpy.context.scene.lightkiln_params.own_shapes.variants = 2
    bpy.context.scene.cursor.location = (0.0, 0.0, 5.0)
    bpy.context.view_layer.update()
    assert bpy.ops.lightkiln.shape() == {"FINISHED"}
    job = module("status").current.job
    pump_until(lambda: job.imported, seconds=240.0)  # two Blenders may learn at once
    made = bpy.data.objects[job.imported_as]
    bpy.context.view_layer.update()
    corners = np.array([made.matrix_world @ vertex.co for vertex in made.data.vertices])
    assert np.ptp(corners, axis=0).argmax() == 2  # it stands, as they do
    assert np.abs(corners - (0.0, 0.0, 5.0)).max() < 0.6


def test_an_asset_library_is_read_and_nothing_of_it_stays(
    shape: bpy.types.PropertyGroup, tmp_path: Path
) -> None:
    own_meshes = module("own_meshes")
    things = [
        _box("Crate", (1.0, 2.0, 1.0)),
        _box("Post", (0.2, 0.2, 3.0)),
        _box("No asset", (1,) * 3),
    ]
    for thing in things[:2]:
        thing.asset_mark()
    bpy.context.view_layer.update()
    bpy.data.libraries.write(str(tmp_path / "boxes.blend"), set(things))
    for thing in things:
        bpy.data.objects.remove(thing)
    libraries = bpy.context.preferences.filepaths.asset_libraries
    library = libraries.new(name="Mine", directory=str(tmp_path))
    before = len(bpy.data.objects), len(bpy.data.meshes)
    try:
        shape.method, shape.meshes = "own-shapes", "LIBRARY"
        shape.library = ""
        assert "Choose the asset library" in _reason()
        found = dict(own_meshes.of_library("Mine"))
        shape.library = "Gone"
        assert "is not there" in _reason()
    finally:
        libraries.remove(library)
        shape.meshes = "SELECTED"
    assert sorted(found) == ["boxes/Crate.ply", "boxes/Post.ply"]
    np.testing.assert_allclose(np.ptp(found["boxes/Crate.ply"].positions, axis=0), (1, 2, 1))
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == before
