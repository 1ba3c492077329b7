# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's jobs in Blender's list: they outlive a session, and give their settings back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
from conftest import module
from pictures import png

AROUND = [(4.0, 2.0, 3.0), (1.0, 6.0, 3.5), (-3.0, 2.0, 3.0), (1.0, -2.0, 2.5)]


def test_a_job_of_an_earlier_session_is_listed_fetched_copied_and_deleted(
    tmp_path: Path, add_camera: Callable[..., bpy.types.Object], pump_until: Callable[..., None]
) -> None:
    status = module("status").current
    for index, position in enumerate(AROUND):
        add_camera(f"{index}", position, (1.0, 2.0, 3.0), png(tmp_path / f"{index}.png"))
    bpy.ops.lightkiln.connect()
    pump_until(lambda: status.methods)
    _set_up(bpy.context.scene)
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: status.job.imported)
    job_id = status.job.job_id

    bpy.ops.lightkiln.disconnect()
    bpy.ops.wm.read_homefile(use_empty=True)
    status.job, status.listed = None, {}
    bpy.ops.lightkiln.connect()
    pump_until(lambda: job_id in status.listed and status.methods)
    ids = [line.name for line in bpy.context.window_manager.lightkiln_jobs]
    assert ids == list(status.listed)
    assert ids[0] == job_id, "the newest comes first"
    bpy.context.window_manager.lightkiln_job_index = 0
    pictures = module("preferences").data_folder() / "thumbnails"  # icons want a window
    pump_until(lambda: list(pictures.glob("*.png")))
    assert not bpy.ops.lightkiln.retry_job.poll()
    assert bpy.ops.lightkiln.duplicate_job() == {"FINISHED"}
    pump_until(lambda: bpy.context.scene.lightkiln.method == "paced")
    _is_set_up(bpy.context.scene)

    assert bpy.ops.lightkiln.open_job() == {"FINISHED"}
    pump_until(lambda: status.job.imported)
    assert len(bpy.data.objects[status.job.imported_as].data.polygons) == 8
    assert bpy.ops.lightkiln.remove_job("EXEC_DEFAULT") == {"FINISHED"}
    pump_until(lambda: job_id not in status.listed)
    assert status.job is None


def _set_up(scene: bpy.types.Scene) -> None:
    settings = scene.lightkiln
    settings.method, settings.preset, settings.time_limit = "paced", "draft", 77.0
    settings.finish.color, settings.finish.faces = "VERTICES", 8
    scene.lightkiln_params.paced.radius = 0.25


def _is_set_up(scene: bpy.types.Scene) -> None:
    settings = scene.lightkiln
    assert (settings.preset, settings.time_limit) == ("draft", 77.0)
    assert (settings.finish.color, settings.finish.faces) == ("VERTICES", 8)
    assert scene.lightkiln_params.paced.radius == 0.25
