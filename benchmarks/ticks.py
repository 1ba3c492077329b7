# SPDX-License-Identifier: GPL-3.0-or-later
"""What previews cost Blender's main thread: `python -m benchmarks.ticks FOLDER ZIP SCENE`.

Runs inside a bpy module. A backend runs `benchmarks.flood`: pictures of 1280 x 720, asked for from
a view that moves ten times a second, and a coarse mesh of 49,298 triangles now and then. Every call
of the extension's timer is measured; so is each texture that the draw handler makes of a part of a
picture, where graphics work without a window (from Blender 5.2 on).

Each is measured in the three ways of `benchmarks.costs`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bpy
import gpu
import numpy as np

from benchmarks import extension
from benchmarks.costs import Cost, cost, summary
from demo import stage

WIDTH, HEIGHT = 1280, 720
MOVE_EVERY = 0.1
SECONDS = 30.0


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
        "ticks": summary(costs.ticks),
        "textures": summary(costs.textures) if can_draw else None,
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
        tick = cost(inbox.pump)
        if job.picture is None:
            first = now
        else:
            costs.ticks.append(tick)
        if job.picture is not last:
            last, costs.pictures, costs.seconds = job.picture, costs.pictures + 1, now - first
        if can_draw and last is not None and (upload.is_unfinished or not _is_shown(upload, last)):
            costs.textures.append(cost(lambda: upload.go_on(job.picture)))
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


if __name__ == "__main__":
    folder, zip_file, scene = map(Path, sys.argv[1:])
    result = main(folder, zip_file, scene)
    (folder / "ticks.json").write_text(json.dumps(result))
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
