# SPDX-License-Identifier: GPL-3.0-or-later
"""What the extension costs a Blender with its window:

    blender --python-use-system-env --python in_window.py -- FOLDER SCENE

Runs inside it, started by `benchmarks.blender`. A backend runs `benchmarks.flood` for a mesh of a
million triangles while the view turns and rests, half a second each: every call of the extension's
own timer is measured, and each draw's share of a new picture, from the first picture to the mesh in
the scene. Then textured results are imported whose files lie in FOLDER, as in `benchmarks.imports`,
and of the smallest quads are made.

A timer of our own ticks besides: the longest time between two of its calls is how long nothing
moved, with all that Blender itself does, drawing included. Writes `FOLDER/window.json`.
"""

from __future__ import annotations

import json
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Quaternion

from benchmarks import extension, imports
from benchmarks.costs import Cost, block, cost, summary
from demo import stage

FACES = 1_000_000
SECONDS = 30.0
TURN = Quaternion((0.0, 0.0, 1.0), 0.02)
TURN_EVERY = 0.1
TURNS = 5
"""In a row; then the view rests as long, and pictures that were asked for are shown."""
BEAT = 0.01
QUADS_AT_MOST = 120.0
SETTLE = 4.0
"""Seconds in which a mesh that was imported is drawn for the first time."""


class Eye:
    """Sees every call of the timer, and when nothing moves."""

    def __init__(self) -> None:
        self.ticks: list[Cost] = []
        self.draws: list[Cost] = []
        self.beats: list[float] = []
        _watch(extension.module("inbox"), "pump", self.ticks)
        _watch(extension.module("preview_texture").Upload, "go_on", self.draws)
        bpy.app.timers.register(self._beat)

    def begin(self) -> None:
        """Forget what was seen."""
        self.ticks.clear()
        self.draws.clear()
        self.beats[:] = [time.perf_counter()]

    def gap(self) -> float:
        """Milliseconds, the longest in which nothing moved."""
        beats = np.array([*self.beats, time.perf_counter()])
        return round(1e3 * float(np.diff(beats).max()), 1)

    def _beat(self) -> float:
        self.beats.append(time.perf_counter())
        return BEAT


def _watch(owner: Any, name: str, seen: list[Cost]) -> None:
    work: Callable[..., None] = getattr(owner, name)

    def watched(*arguments: Any) -> None:
        seen.append(cost(lambda: work(*arguments)))

    setattr(owner, name, watched)


def story(folder: Path, scene: Path) -> Iterator[float]:
    """What happens, in steps; yields seconds to wait."""
    yield from _set_up(folder, scene)
    eye = Eye()
    told = {"blender": bpy.app.version_string, "faces": FACES, **(yield from _job(eye))}
    told["imports"] = {"colours": (yield from _import(eye))}
    for files in sorted(folder.glob("sheet-*"), key=imports.faces_of):
        _clear()
        yield SETTLE
        told["imports"][imports.key_of(files)] = yield from _textured(eye, files)
        if "quads" not in told:
            told["quads"] = {"of": imports.faces_of(files), **(yield from _quads(eye))}
    (folder / "window.json").write_text(json.dumps(told))


def _job(eye: Eye) -> Iterator[float]:
    """A job from its first picture to its last; what the main thread did for it."""
    status = extension.module("status").current
    with _in_window():
        bpy.ops.lightkiln.connect()
    while not status.methods:
        yield BEAT
    group = bpy.context.scene.lightkiln_params.flood
    group.faces, group.seconds = FACES, SECONDS
    with _in_window():
        bpy.ops.lightkiln.reconstruct()
    yield from _look_on(lambda: status.job.picture is None)
    eye.begin()
    yield from _look_on(lambda: not status.job.is_over)
    return {"ticks": summary(eye.ticks), "textures": summary(eye.draws), "gap": eye.gap()}


def _look_on(goes_on: Callable[[], bool]) -> Iterator[float]:
    """Turn the view and rest."""
    turns = 0
    job = extension.module("status").current.job
    while goes_on():
        if job.reason:
            raise RuntimeError(job.reason)
        if turns % (2 * TURNS) < TURNS:
            view = _area().spaces.active.region_3d
            view.view_rotation = view.view_rotation @ TURN
            _area().tag_redraw()
        turns += 1
        yield TURN_EVERY


def _textured(eye: Eye, files: Path) -> Iterator[float]:
    """A textured result, read in a thread as from a backend, then imported."""
    found: list[Any] = []
    reading = threading.Thread(target=lambda: found.append(imports.read(files)))
    eye.begin()
    reading.start()
    while reading.is_alive():
        yield BEAT
    told = {"gap_while_read": eye.gap()}
    imports.bring(files.name, found[0])
    return {**told, **(yield from _import(eye))}


def _quads(eye: Eye) -> Iterator[float]:
    """Quads of the mesh that came last, as when the button is pressed."""
    start = time.perf_counter()
    eye.begin()
    with _in_window():
        bpy.ops.lightkiln.quads("INVOKE_DEFAULT")
    while len(bpy.data.meshes) < 2:  # nothing but the result and them
        if time.perf_counter() - start > QUADS_AT_MOST:
            raise RuntimeError("no quads came")
        yield BEAT
    return {"seconds": round(time.perf_counter() - start, 1), "gap": eye.gap()}


def _import(eye: Eye) -> Iterator[float]:
    """What it takes until the mesh that waits is in the scene, and has been drawn."""
    eye.begin()
    while not extension.module("status").current.job.imported:
        yield BEAT
    ticks = list(eye.ticks)
    yield SETTLE
    return {"ticks": block(ticks), "gap": eye.gap()}


def _set_up(folder: Path, scene: Path) -> Iterator[float]:
    yield 1.0
    preferences = bpy.context.preferences.addons[extension.PACKAGE].preferences
    preferences.data_folder = str(folder / "backend")
    for thing in list(bpy.data.objects):
        bpy.data.objects.remove(thing)
    for camera in stage.add_cameras(scene):
        camera.select_set(True)
        camera.hide_set(False)
    settings = bpy.context.scene.lightkiln
    settings.method, settings.finish.color = "flood", "VERTICES"
    _area().spaces.active.show_region_ui = True
    yield 1.0


def _clear() -> None:
    """Take the last mesh away, and the undo steps that remember it stay, as for a person."""
    for mesh in list(bpy.data.meshes):
        bpy.data.meshes.remove(mesh)


def _area() -> bpy.types.Area:
    areas = bpy.context.window_manager.windows[0].screen.areas
    return next(area for area in areas if area.type == "VIEW_3D")


def _in_window() -> Any:
    return bpy.context.temp_override(window=bpy.context.window_manager.windows[0], area=_area())


def play(steps: Iterator[float], failed: Path) -> Callable[[], float | None]:
    """A timer that does the steps, and tells how they failed."""

    def step() -> float | None:
        try:
            return next(steps)
        except StopIteration:
            return None
        except Exception:  # noqa: BLE001 the host waits for a word
            failed.write_text(traceback.format_exc())
            return None

    return step


if __name__ == "__main__":
    folder, scene = map(Path, sys.argv[sys.argv.index("--") + 1 :][:2])
    bpy.context.preferences.view.show_splash = False
    bpy.app.timers.register(play(story(folder, scene), folder / "failed.txt"), first_interval=0.5)
