# SPDX-License-Identifier: GPL-3.0-or-later
"""What previews cost Blender's main thread: `python -m benchmarks.ticks FOLDER ZIP SCENE`.

Runs inside a bpy module. A backend runs `benchmarks.flood`: pictures of 1280 x 720, asked for from
a view that moves ten times a second, and a coarse mesh of 49,298 triangles now and then. Every call
of the extension's timer is measured; so is the texture that the draw handler makes of each new
picture, where graphics work without a window (from Blender 5.2 on).
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np

from benchmarks import extension
from demo import stage

WIDTH, HEIGHT = 1280, 720
MOVE_EVERY = 0.1
SECONDS = 30.0


@dataclass
class Costs:
    """Milliseconds of the main thread."""

    ticks: list[float] = field(default_factory=list)
    textures: list[float] = field(default_factory=list)
    seconds: float = 0.0
    """From the first picture to the last."""


def main(folder: Path, zip_file: Path, scene: Path) -> dict[str, Any]:
    cameras = stage.open_scene(scene)
    extension.install(zip_file, folder / "backend")
    bpy.context.scene.lightkiln.method = "flood"
    bpy.ops.object.select_all(action="DESELECT")
    for camera in cameras:
        camera.select_set(True)
    bpy.ops.lightkiln.reconstruct()
    can_draw = _start_graphics()
    costs = _watch(cameras[0], can_draw)
    return {
        "blender": bpy.app.version_string,
        "pictures": len(costs.textures),
        "pictures_per_second": round(len(costs.textures) / costs.seconds, 1),
        "ticks": _summary(costs.ticks),
        "textures": _summary(costs.textures) if can_draw else None,
    }


def _watch(viewpoint: bpy.types.Object, can_draw: bool) -> Costs:
    """Play timer and draw handler until the time is over."""
    inbox, preview = extension.module("inbox"), extension.module("preview")
    job = extension.module("status").current.job
    costs, last, moved_at = Costs(), None, 0.0
    start = first = time.monotonic()
    while time.monotonic() - start < SECONDS and not job.is_over:
        now = time.monotonic()
        if now - moved_at >= MOVE_EVERY:
            moved_at = now
            preview.look_from(_view(viewpoint, now - start))
        costs.ticks.append(_milliseconds(inbox.pump))
        if job.picture is not None and job.picture is not last:
            first = first if last is not None else now
            last, costs.seconds = job.picture, now - first
            # what the draw handler calls for a new picture
            texture = partial(preview._texture_of, last)
            costs.textures.append(_milliseconds(texture) if can_draw else 0.0)
        time.sleep(inbox.BUSY_INTERVAL)
    return costs


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


def _milliseconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return 1000.0 * (time.perf_counter() - start)


def _summary(values: list[float]) -> dict[str, float]:
    median, high = np.percentile(values, (50, 99))
    return {
        "count": len(values),
        "median": round(float(median), 2),
        "p99": round(float(high), 2),
        "max": round(max(values), 2),
    }


if __name__ == "__main__":
    folder, zip_file, scene = map(Path, sys.argv[1:])
    result = main(folder, zip_file, scene)
    (folder / "ticks.json").write_text(json.dumps(result))
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
