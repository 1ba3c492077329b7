# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures along a camera's animation: asked for, fetched, and shown through that camera.

The method under test paints where the octahedron's middle is; Blender says where it must be.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from bpy_extras.object_utils import world_to_camera_view
from conftest import module
from mathutils import Vector
from pictures import png

CENTRE = (1.0, 2.0, 3.0)
AROUND = [(4.0, 2.0, 3.0), (1.0, 6.0, 3.5), (-3.0, 2.0, 3.0), (1.0, -2.0, 2.5)]
FIRST, LAST, STEP = 11, 15, 2


@pytest.fixture
def flight(tmp_path: Path, add_camera: Callable[..., bpy.types.Object]) -> bpy.types.Object:
    """Four cameras with photographs, selected, and the scene's, which flies and zooms."""
    for index, position in enumerate(AROUND):
        add_camera(f"Camera {index}", position, CENTRE, png(tmp_path / f"{index}.png"))
    camera = add_camera("Flight", (4.0, 4.0, 4.0), CENTRE)
    camera.select_set(False)
    camera.parent = bpy.data.objects.new("Crane", None)
    bpy.context.scene.collection.objects.link(camera.parent)
    camera.parent.scale = (1.5, 1.5, 1.5)
    camera.parent.keyframe_insert("location", frame=FIRST)
    camera.parent.location = (0.5, 0.2, -0.3)
    camera.parent.keyframe_insert("location", frame=LAST)
    for frame, lens in ((FIRST, 35.0), (LAST, 50.0)):
        camera.data.lens = lens
        camera.data.keyframe_insert("lens", frame=frame)
    camera.data.shift_x = 0.1
    scene = bpy.context.scene
    scene.camera, scene.frame_start, scene.frame_end, scene.frame_step = camera, FIRST, LAST, STEP
    scene.render.resolution_x, scene.render.resolution_y = 320, 180
    scene.render.resolution_percentage = 50
    settings = scene.lightkiln
    settings.method, settings.preset, settings.finish.color = "paced", "draft", "VERTICES"
    return camera


def _job() -> object:
    return module("status").current.job


def _white(path: Path) -> tuple[int, int]:
    """Column and row, from below, of a picture's white pixel; its size is the render's."""
    image = bpy.data.images.load(str(path))
    assert tuple(image.size) == (160, 90)
    pixels = np.array(image.pixels[:]).reshape(90, 160, 4)
    bpy.data.images.remove(image)
    ((row, column),) = np.argwhere(pixels[..., 0] > 0.5)
    return int(column), int(row)


def _expected(camera: bpy.types.Object, frame: int) -> tuple[int, int]:
    bpy.context.scene.frame_set(frame)
    place = world_to_camera_view(bpy.context.scene, camera, Vector(CENTRE))
    return int(place.x * 160), int(place.y * 90)


def test_pictures_along_the_animation_lie_before_the_camera(
    flight: bpy.types.Object, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    flight = bpy.data.objects["Flight"]
    scene = bpy.context.scene
    scene.frame_set(13)
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.lightkiln.reconstruct() == {"FINISHED"}
    assert scene.frame_current == 13
    pump_until(lambda: _job().imported)
    assert _job().shown == "3 frames before Flight"
    assert "Lightkiln" in bpy.data.collections

    (background,) = flight.data.background_images
    image, user = background.image, background.image_user
    assert image.source == "SEQUENCE"
    assert image.filepath.startswith("//lightkiln_frames")
    assert (user.frame_start, user.frame_duration, user.use_auto_refresh) == (FIRST, 6, True)
    assert flight.data.show_background_images
    assert module("masks").photograph_of(flight.data) is None
    folder = Path(bpy.path.abspath(image.filepath)).parent
    assert sorted(path.name for path in folder.iterdir()) == [f"000{n}.png" for n in range(1, 7)]
    for number in range(1, 7):
        frame = FIRST + (number - 1) // STEP * STEP
        assert _white(folder / f"{number:04}.png") == _expected(flight, frame)

    bpy.ops.ed.undo()
    assert not bpy.data.objects["Flight"].data.background_images
    assert "Lightkiln" not in bpy.data.collections
    bpy.ops.lightkiln.fetch_result()
    pump_until(lambda: _job().imported)
    bpy.ops.lightkiln.fetch_result()
    pump_until(lambda: _job().imported)
    assert len(bpy.data.objects["Flight"].data.background_images) == 1, "earlier ones are replaced"


def test_pictures_without_a_mesh_are_a_result(
    flight: bpy.types.Object, pump_until: Callable[..., None]
) -> None:
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.methods)
    bpy.context.scene.lightkiln_params.paced.empty = True
    assert bpy.ops.lightkiln.reconstruct() == {"FINISHED"}
    pump_until(lambda: _job().imported)
    assert _job().imported_as == _job().shown == "3 frames before Flight"
    assert not bpy.data.meshes
    assert "No surface was found. Only pictures are made." in _job().warnings
    assert module("preferences").frames_folder(_job().job_id).is_dir()


def test_a_camera_at_rest_gives_one_picture_and_a_lost_one_loses_none(
    flight: bpy.types.Object, pump_until: Callable[..., None]
) -> None:
    scene, frames = bpy.context.scene, module("frames")
    scene.camera = bpy.data.objects["Camera 1"]
    assert frames.path(bpy.context) is None, "nobody has asked for a picture of it"
    scene.lightkiln.frames_camera = scene.camera
    assert len(frames.path(bpy.context).cameras) == 1
    scene.camera = None
    bpy.ops.lightkiln.reconstruct()
    bpy.data.objects.remove(bpy.data.objects["Camera 1"])
    pump_until(lambda: _job().imported)
    assert _job().shown.startswith("1 frame in ")


def test_what_hinders_is_said_and_what_is_not_wanted_is_not_sent(
    flight: bpy.types.Object, pump_until: Callable[..., None]
) -> None:
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.methods)
    scene, frames = bpy.context.scene, module("frames")
    flight.data.type = "ORTHO"
    assert "not a perspective camera" in frames.problem(scene)
    assert not bpy.ops.lightkiln.reconstruct.poll()
    scene.lightkiln.method = "kiln"  # which renders none
    assert not frames.are_offered(scene)
    assert bpy.ops.lightkiln.reconstruct.poll()
    scene.lightkiln.method, scene.lightkiln.render_frames = "paced", False
    assert frames.problem(scene) == ""
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().imported)
    assert (_job().shown, _job().order.path) == ("", None)
    scene.lightkiln.render_frames, scene.camera = True, None
    assert frames.path(bpy.context) is None


def test_too_many_pictures_are_refused_before_anything_is_sent(
    flight: bpy.types.Object, pump_until: Callable[..., None]
) -> None:
    bpy.context.scene.render.resolution_x = bpy.context.scene.render.resolution_y = 50_000
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().is_over, may_fail=True)
    assert "megapixels in all" in _job().reason
    assert bpy.ops.lightkiln.reconstruct.poll()
