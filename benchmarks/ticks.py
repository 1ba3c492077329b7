# SPDX-License-Identifier: GPL-3.0-or-later
"""What previews cost Blender's main thread: `python -m benchmarks.ticks FOLDER ZIP SCENE`.

Runs inside a bpy module. A backend runs `benchmarks.flood`: pictures of 1280 x 720, asked for from
a view that moves ten times a second, and a coarse mesh of 49,298 triangles now and then. Every call
of the extension's timer is measured; so is each texture that the draw handler makes of a part of a
picture, where graphics work without a window (from Blender 5.2 on).

Each is measured three ways, since benchmarks share their machine: by the clock, by the clock
without the time in which other programs had the core (as Linux counts it), and in processor time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np
from numpy.typing import NDArray

from benchmarks import extension
from demo import stage

WIDTH, HEIGHT = 1280, 720
MOVE_EVERY = 0.1
SECONDS = 30.0
SCHEDSTAT = Path("/proc/thread-self/schedstat")


Cost = tuple[float, float, float]
"""Milliseconds of the main thread: by the clock, on a core of its own, of processor time."""


@dataclass
class Costs:
    """What was measured."""

    ticks: list[Cost] = field(default_factory=list)
    textures: list[Cost] = field(default_factory=list)
    pictures: int = 0
    seconds: float = 0.0
    """From the first picture to the last."""


def main(folder: Path, zip_file: Path, scene: Path) -> dict[str, Any]:
    cameras = stage.open_scene(scene)
    extension.install(zip_file, folder / "backend")
    bpy.context.scene.lightkiln.method = "flood"
    bpy.ops.object.select_all(action="DESELECT")
    for camera in cameras:
        camera.select_set(True)
    bpy.context.scene.lightkiln.finish.color = "VERTICES"  # the import alone is measured
    bpy.ops.lightkiln.reconstruct()
    can_draw = _start_graphics()
    costs = _watch(cameras[0], can_draw)
    return {
        "blender": bpy.app.version_string,
        "pictures": costs.pictures,
        "pictures_per_second": round(costs.pictures / costs.seconds, 1),
        "ticks": _summary(costs.ticks),
        "textures": _summary(costs.textures) if can_draw else None,
    }


def _watch(viewpoint: bpy.types.Object, can_draw: bool) -> Costs:
    """Play timer and draw handler from the first picture on, until the time is over."""
    inbox, preview = extension.module("inbox"), extension.module("preview")
    upload = extension.module("preview_texture").Upload()
    job = extension.module("status").current.job
    costs, last, moved_at = Costs(), None, 0.0
    start = first = time.monotonic()
    while time.monotonic() - first < SECONDS and not job.is_over:
        now = time.monotonic()
        if now - moved_at >= MOVE_EVERY:
            moved_at = now
            preview.look_from(_view(viewpoint, now - start))
        cost = _cost(inbox.pump)
        if job.picture is None:
            first = now
        else:
            costs.ticks.append(cost)
        if job.picture is not last:
            last, costs.pictures, costs.seconds = job.picture, costs.pictures + 1, now - first
        if can_draw and last is not None and (upload.is_unfinished or not _is_shown(upload, last)):
            costs.textures.append(_cost(lambda: upload.go_on(job.picture)))
        time.sleep(inbox.BUSY_INTERVAL)
    return costs


def _is_shown(upload: Any, picture: object) -> bool:
    return upload.shown is not None and upload.shown.picture is picture


def _view(thing: bpy.types.Object, turn: float) -> Any:
    """A camera of a 720p viewport that moves."""
    matrix = np.array(thing.matrix_world)
    matrix[:3, 3] *= 1.0 + 0.1 * np.sin(turn)
    lens = extension.module("scene_export").lens_of(thing.data, bpy.context.scene)
    return extension.module("convert").camera_from_blender(matrix, lens, WIDTH, HEIGHT)


def _start_graphics() -> bool:
    try:
        gpu.init()
    except (AttributeError, SystemError):
        return False
    return True


def _cost(work: Callable[[], object]) -> Cost:
    start, queued, used = time.perf_counter(), _queued(), time.thread_time()
    work()
    used, queued = time.thread_time() - used, _queued() - queued
    passed = time.perf_counter() - start
    return 1e3 * passed, 1e3 * max(used, passed - queued), 1e3 * used


def _queued() -> float:
    """Seconds in which this thread could have worked but had no core; 0 where nobody counts."""
    if not SCHEDSTAT.exists():
        return 0.0
    return int(SCHEDSTAT.read_text().split()[1]) * 1e-9


def _summary(costs: list[Cost]) -> dict[str, Any]:
    ways = zip(("clock", "own_core", "processor"), np.transpose(costs), strict=True)
    return {"count": len(costs), **{way: _percentiles(values) for way, values in ways}}


def _percentiles(values: NDArray[Any]) -> dict[str, float]:
    median, high, most = np.percentile(values, (50, 99, 100))
    return {"median": round(median, 2), "p99": round(high, 2), "max": round(most, 2)}


if __name__ == "__main__":
    folder, zip_file, scene = map(Path, sys.argv[1:])
    result = main(folder, zip_file, scene)
    (folder / "ticks.json").write_text(json.dumps(result))
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
