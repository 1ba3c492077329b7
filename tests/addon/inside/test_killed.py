# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender is killed in the middle of a job: a real second process, which gets no chance to tidy up.

What it ordered goes on without it, and another Blender finds it: by the file, or in the list.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bpy
from conftest import module
from pictures import png

HERE = Path(__file__).parent
AROUND = [(4.0, 2.0, 3.0), (1.0, 6.0, 3.5), (-3.0, 2.0, 3.0), (1.0, -2.0, 2.5)]


def _killed_in(file: Path, operator: str, saves: str) -> str:
    """Have another Blender press a button, and kill it as soon as the job runs; the job's id."""
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    words = [sys.executable, str(HERE / "second_blender.py"), str(file), operator, saves]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as other:
        told = next((line for line in other.stdout if line.startswith("running ")), "")
        os.kill(other.pid, signal.SIGKILL)
    assert told, "it ended before its job ran"
    return told.split()[1]


def test_an_alignment_of_a_killed_blender_is_found_by_its_file(
    tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    status, photographs = module("status").current, Path(os.environ["LIGHTKILN_PHOTOGRAPHS"])
    bpy.ops.lightkiln.take_photographs(directory=str(photographs), files=[])
    bpy.context.scene.lightkiln.align_preset = "draft"
    file = tmp_path / "scene.blend"
    job_id = _killed_in(file, "align", "save")
    bpy.ops.wm.open_mainfile(filepath=str(file))
    assert status.job.job_id == job_id
    pump_until(lambda: status.job.imported, seconds=120.0)
    cameras = module("scene_export").cameras(bpy.context)
    assert len(cameras) == len(list(photographs.glob("*.jpg")))
    assert all(module("masks").photograph_of(camera.data) for camera in cameras)


def test_a_reconstruction_of_a_killed_blender_is_found_in_the_list(
    tmp_path: Path, add_camera: Callable[..., bpy.types.Object], pump_until: Callable[..., None]
) -> None:
    """The file was saved before the button was pressed, and knows nothing of the job."""
    status = module("status").current
    for index, position in enumerate(AROUND):
        add_camera(f"{index}", position, (1.0, 2.0, 3.0), png(tmp_path / f"{index}.png"))
    settings = bpy.context.scene.lightkiln
    settings.method, settings.preset, settings.finish.color = "paced", "standard", "VERTICES"
    file = tmp_path / "scene.blend"
    job_id = _killed_in(file, "reconstruct", "leave")
    bpy.ops.wm.open_mainfile(filepath=str(file))
    assert status.job is None
    bpy.ops.lightkiln.connect()
    pump_until(lambda: job_id in status.listed)
    lines = bpy.context.window_manager.lightkiln_jobs
    bpy.context.window_manager.lightkiln_job_index = list(lines.keys()).index(job_id)
    assert bpy.ops.lightkiln.open_job() == {"FINISHED"}
    pump_until(lambda: status.job.imported)
    (result,) = bpy.data.collections["Lightkiln"].objects
    assert result["lightkiln_job"] == job_id
