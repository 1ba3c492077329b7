# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole loop against a real backend, which the extension starts by itself."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from pictures import png

CENTRE = np.array([1.0, 2.0, 3.0])
AROUND = [(4.0, 2.0, 3.0), (1.0, 6.0, 3.5), (-3.0, 2.0, 3.0), (1.0, -2.0, 2.5)]


@pytest.fixture
def cameras(tmp_path: Path, add_camera: Callable[..., bpy.types.Object]) -> None:
    for index, position in enumerate(AROUND):
        image = png(tmp_path / f"{index}.png", 64 + 16 * index, 48, 120 + index)  # mixed sizes
        add_camera(f"Camera {index}", position, tuple(CENTRE), image)
    bpy.ops.lightkiln.add_region(shape="SPHERE")
    bpy.context.scene.lightkiln.method = "paced"
    bpy.context.scene.lightkiln.finish.color = "VERTICES"


def _job() -> object:
    return module("status").current.job


def _undo_memory() -> None:
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")


def test_from_cameras_to_a_coloured_mesh_where_they_look(
    cameras: None, pump_until: Callable[..., None]
) -> None:
    bpy.context.scene.lightkiln.preset = "standard"
    convert, camera = module("convert"), bpy.data.objects["Camera 0"]
    lens = module("scene_export").lens_of(camera.data, bpy.context.scene)
    module("preview").look_from(
        convert.camera_from_blender(np.array(camera.matrix_world), lens, 160, 90)
    )
    assert bpy.ops.lightkiln.reconstruct() == {"FINISHED"}
    seen: dict[str, object] = {}

    def is_imported() -> bool:
        job = _job()
        seen.update({key: value for key in ("picture", "progress") if (value := getattr(job, key))})
        seen["coarse"] = seen.get("coarse") or "Lightkiln Preview" in bpy.data.objects
        return job.imported

    pump_until(is_imported)
    assert seen["coarse"]
    assert seen["picture"].pixels.shape == (90, 160, 4)
    assert tuple(seen["picture"].pixels[0, 0]) == (255, 0, 0, 255)
    assert {"loss", "psnr"} <= set(seen["progress"].metrics)
    assert _job().warnings == ["This method does not look at the images."]
    assert "Lightkiln Preview" not in bpy.data.objects

    (result,) = bpy.data.collections["Lightkiln"].objects
    positions = np.array([result.matrix_world @ v.co for v in result.data.vertices])
    assert np.allclose(positions.mean(axis=0), CENTRE, atol=1e-6)
    assert np.allclose(np.abs(positions - CENTRE).max(), 0.5, atol=1e-6)
    assert not result.data.validate(verbose=True)
    assert all(polygon.use_smooth for polygon in result.data.polygons)
    _has_colours_that_show(result)
    assert result["lightkiln_method"] == "paced"
    assert json.loads(result["lightkiln_params"]) == {}
    assert result["lightkiln_job"] == _job().job_id


def _has_colours_that_show(result: bpy.types.Object) -> None:
    attribute = result.data.color_attributes.active_color
    assert (attribute.domain, attribute.data_type) == ("POINT", "FLOAT_COLOR")
    top = max(range(6), key=lambda i: result.data.vertices[i].co.z)
    low = min(range(6), key=lambda i: result.data.vertices[i].co.z)
    assert np.allclose(attribute.data[top].color, (1, 0, 0, 1), atol=1e-6)
    assert np.allclose(attribute.data[low].color, (0, 0, 0.5, 1), atol=3e-3)  # an sRGB byte
    (link,) = (
        link
        for link in result.data.materials[0].node_tree.links
        if link.to_node.type == "BSDF_PRINCIPLED"
    )
    assert link.to_socket.name == "Base Color"
    assert link.from_node.layer_name == attribute.name


def test_the_import_is_one_undo_step(cameras: None, pump_until: Callable[..., None]) -> None:
    bpy.context.scene.lightkiln.preset = "draft"
    _undo_memory()
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().imported)
    assert "Lightkiln" in bpy.data.collections
    bpy.ops.ed.undo()
    assert not [item for item in bpy.data.objects if item.type == "MESH"]
    assert "Lightkiln" not in bpy.data.collections
    assert len(bpy.data.cameras) == len(AROUND)
    bpy.ops.ed.redo()
    assert len(bpy.data.collections["Lightkiln"].objects) == 1
    assert bpy.ops.lightkiln.fetch_result() == {"FINISHED"}
    pump_until(lambda: _job().imported)
    assert len(bpy.data.collections["Lightkiln"].objects) == 2


def test_a_job_can_be_paused_finished_early_and_cancelled(
    cameras: None, pump_until: Callable[..., None]
) -> None:
    bpy.context.scene.lightkiln.preset = "high"
    bpy.ops.lightkiln.reconstruct()
    assert not bpy.ops.lightkiln.reconstruct.poll()
    pump_until(lambda: _job().progress and _job().progress.step > 2)
    bpy.ops.lightkiln.pause()
    pump_until(lambda: _job().state == "paused")
    bpy.ops.lightkiln.resume()
    pump_until(lambda: _job().state == "running")
    bpy.ops.lightkiln.finish()
    pump_until(lambda: _job().imported)
    assert len(bpy.data.collections["Lightkiln"].objects) == 1

    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().state == "running")
    bpy.ops.lightkiln.cancel()
    pump_until(lambda: _job().state == "cancelled")
    assert bpy.ops.lightkiln.reconstruct.poll()
    assert bpy.ops.lightkiln.retry.poll()
    bpy.ops.lightkiln.remove()
    pump_until(lambda: _job() is None)


def test_cancelling_at_once_leaves_no_job_running(
    cameras: None, pump_until: Callable[..., None]
) -> None:
    bpy.ops.lightkiln.reconstruct()
    bpy.ops.lightkiln.cancel()
    assert _job().state == "cancelled"
    assert bpy.ops.lightkiln.reconstruct.poll()
    list_jobs = module("shared.messages").ListJobs

    def all_over() -> bool:
        reply = module("backend").client().request(list_jobs()).result(10)
        return all(job.state.is_final for job in reply.jobs)

    pump_until(all_over)


def test_a_job_survives_disconnecting_and_is_followed_again(
    cameras: None, pump_until: Callable[..., None]
) -> None:
    bpy.ops.lightkiln.reconstruct()
    bpy.ops.lightkiln.disconnect()
    pump_until(lambda: _job().state == "cancelled")
    assert bpy.ops.lightkiln.reconstruct.poll()

    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().state == "running")
    bpy.ops.lightkiln.disconnect()
    module("inbox").pump()
    assert module("status").current.link == "off"
    bpy.ops.lightkiln.connect()
    pump_until(lambda: _job().imported)
    assert _job().warnings == ["This method does not look at the images."]


@pytest.mark.parametrize("asked", ["a job", "the list"])
def test_an_answer_that_came_just_before_disconnecting_does_not_connect_again(
    cameras: None, pump_until: Callable[..., None], asked: str
) -> None:
    bpy.ops.lightkiln.reconstruct()
    if asked == "the list":
        pump_until(lambda: _job().state == "running")
        job_list = module("job_list")
        job_list._state.pictured.clear()  # so that it asks on, for the jobs' pictures
        job_list.ask_soon()
        job_list.ask_if_due()
    time.sleep(3.0)  # the answer waits in the mailbox
    bpy.ops.lightkiln.disconnect()
    for _ in range(5):
        module("inbox").pump()
    assert module("status").current.link == "off"
    bpy.ops.lightkiln.connect()
    pump_until(lambda: _job().imported)


def test_a_mesh_waits_until_the_person_has_left_edit_mode(
    cameras: None, pump_until: Callable[..., None]
) -> None:
    bpy.context.scene.lightkiln.preset = "draft"
    bpy.ops.lightkiln.reconstruct()
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    pump_until(lambda: _job().result is not None)
    for _ in range(5):
        module("inbox").pump()
    assert "Lightkiln" not in bpy.data.collections
    bpy.ops.object.mode_set(mode="OBJECT")
    pump_until(lambda: _job().imported)


def test_a_killed_backend_is_started_again_and_the_job_comes_to_its_mesh(
    cameras: None, pump_until: Callable[..., None]
) -> None:
    bpy.context.scene.lightkiln.preset = "standard"
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().progress and _job().progress.step > 2)
    runtime = module("preferences").data_folder() / "server.json"
    os.kill(json.loads(runtime.read_text())["pid"], signal.SIGKILL)
    pump_until(lambda: module("status").current.link == "reconnecting", seconds=5.0)
    pump_until(lambda: _job().imported)
    assert len(bpy.data.collections["Lightkiln"].objects) == 1


def test_a_reopened_file_finds_its_job(
    cameras: None, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    bpy.context.scene.lightkiln.preset = "standard"
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().state == "running")
    path = str(tmp_path / "scene.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    before = _job().job_id
    bpy.ops.wm.read_homefile(use_empty=True)
    assert _job() is None
    module("backend").disconnect()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert _job().job_id == before
    pump_until(lambda: _job().imported)
    assert len(bpy.data.collections["Lightkiln"].objects) == 1


def test_the_methods_parameters_reach_the_job(
    cameras: None, pump_until: Callable[..., None]
) -> None:
    scene = bpy.context.scene
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.methods)
    scene.lightkiln.preset = "draft"
    group = scene.lightkiln_params.paced
    assert (group.rounds, group.radius, group.closed, group.paint) == (5, 0.5, True, "two")
    group.radius = 0.25
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: _job().imported)
    (result,) = bpy.data.collections["Lightkiln"].objects
    assert json.loads(result["lightkiln_params"]) == {"radius": 0.25}
    assert np.isclose(result.dimensions.x, 0.5)


def test_nothing_secret_is_written_where_others_can_read(
    cameras: None, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.link == "online")
    data = module("preferences").data_folder()
    token = json.loads((data / "server.json").read_text())["token"]
    assert (data / "server.json").stat().st_mode & 0o077 == 0
    path = tmp_path / "scene.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path), compress=False)
    assert token.encode() not in path.read_bytes()
    assert token.encode() not in (data / "backend.log").read_bytes()
