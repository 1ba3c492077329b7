# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo inside a headless Blender: what a person does in the panel, step by step.

`python -m demo.in_blender TASK`, in the Python of a bpy module; TASK is a JSON file with the fields
of `Task`. Timers never fire without a window, so the extension's inbox is pumped here. Leaves the
.blend, the .glb and a story (see `demo.story`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from benchmarks.extension import install, module
from demo import look, stage
from demo.story import Still, Story, save

TICK = 0.05
STILL_EVERY = 1.0
"""Seconds between two pictures that are kept."""
NUM_SIDES = 3


@dataclass(frozen=True, kw_only=True)
class Task:
    """What the demo shall do."""

    title: str
    scene: str
    """Folder with `transforms.json`, perhaps with `sample.blend` too."""
    extension: str
    """The zip."""
    command: str
    """The backend's program."""
    out: str
    """Folder of the story."""
    blend: str
    glb: str
    method: str
    preset: str


class Watch:
    """Measures steps that follow one another."""

    def __init__(self, times: list[tuple[str, float]]) -> None:
        self.times = times

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        start = time.monotonic()
        yield
        self.times.append((name, round(time.monotonic() - start, 2)))


def run(task: Task) -> None:
    """Do all of it."""
    story = Story(title=task.title, method=task.method, preset=task.preset, num_views=0)
    story.versions["Blender"] = bpy.app.version_string
    watch, out = Watch(story.times), Path(task.out)
    with watch.step("Setting up the scene"):
        cameras = stage.open_scene(Path(task.scene))
    story.num_views = len(cameras)
    with watch.step("Installing the extension"):
        install(Path(task.extension), out / "backend", task.command)
    sides = look.sides(cameras, NUM_SIDES)
    with watch.step(RECONSTRUCTION):
        mesh = _reconstruct(task, cameras, sides[-1], story)
    story.num_vertices, story.num_triangles = len(mesh.data.vertices), len(mesh.data.polygons)
    with watch.step("Pictures of the mesh"):
        story.sides += look.take(mesh, sides, out)
    with watch.step("Saving"):
        _save_results(task, mesh)
    save(story, out)


def _reconstruct(
    task: Task, cameras: list[bpy.types.Object], viewpoint: bpy.types.Object, story: Story
) -> bpy.types.Object:
    """Press Reconstruct, watch, and return the mesh that arrived; ends the program if none does."""
    bpy.context.scene.name = task.title
    settings = bpy.context.scene.lightkiln
    settings.method, settings.preset = task.method, task.preset
    settings.region = bpy.data.objects[stage.REGION]
    bpy.ops.object.select_all(action="DESELECT")
    for camera in cameras:
        camera.select_set(True)
    module("preview").look_from(_camera_of(viewpoint))
    before = set(bpy.data.objects)
    bpy.context.scene.lightkiln.finish.color = "VERTICES"  # figures of the surface alone
    bpy.ops.lightkiln.reconstruct()
    status, inbox = module("status").current, module("inbox")
    notes = Notes(story, Path(task.out))
    while not (status.job.imported or status.problem or _has_failed(status.job)):
        inbox.pump()
        notes.look_at(status.job)
        time.sleep(TICK)
    story.warnings += status.job.warnings
    if not status.job.imported:
        sys.exit(f"The reconstruction failed: {status.problem or status.job.reason}")
    if status.welcome is not None:
        story.versions["Lightkiln"] = status.welcome.server_version
    module("backend").disconnect()
    return next(thing for thing in bpy.data.objects if thing not in before)


def _has_failed(job: Any) -> bool:
    return job.is_over and not (job.fetching or job.result or job.state == "succeeded")


class Notes:
    """Notes the figures and keeps the pictures of a job, shown to it again and again."""

    def __init__(self, story: Story, out: Path) -> None:
        self._story, self._out, self._start = story, out, time.monotonic()
        self._progress: object = None
        self._picture: object = None
        self._kept_at = -STILL_EVERY

    def look_at(self, job: Any) -> None:
        now = time.monotonic() - self._start
        if job.progress is not self._progress:
            self._progress = job.progress
            for name, value in job.progress.metrics.items():
                self._story.curves.setdefault(name, []).append((round(now, 2), value))
        if job.picture is not self._picture and now - self._kept_at >= STILL_EVERY:
            self._picture, self._kept_at = job.picture, now
            self._keep(job, now)

    def _keep(self, job: Any, now: float) -> None:
        """Keep the pixels; who tells the story makes a PNG of them."""
        name = f"still-{len(self._story.stills):03d}"
        np.save(self._out / name, job.picture.pixels)
        phase = job.progress.phase if job.progress else ""
        self._story.stills.append(Still(seconds=round(now, 1), phase=phase, picture=f"{name}.png"))


def _camera_of(thing: bpy.types.Object) -> object:
    export, convert = module("scene_export"), module("convert")
    image = module("masks").photograph_of(thing.data)
    lens = export.lens_of(thing.data, bpy.context.scene)
    return convert.camera_from_blender(np.array(thing.matrix_world), lens, *image.size)


def _save_results(task: Task, mesh: bpy.types.Object) -> None:
    bpy.context.preferences.filepaths.save_version = 0  # no .blend1 beside it
    bpy.ops.wm.save_as_mainfile(filepath=task.blend)
    bpy.ops.object.select_all(action="DESELECT")
    mesh.select_set(True)
    bpy.ops.export_scene.gltf(filepath=task.glb, use_selection=True)


RECONSTRUCTION = "Reconstruction"

if __name__ == "__main__":
    run(Task(**json.loads(Path(sys.argv[1]).read_text())))
    sys.stdout.flush()
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
