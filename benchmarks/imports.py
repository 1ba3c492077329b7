# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the import of a textured result blocks: `python -m benchmarks.imports FOLDER ZIP
FILES`.

Runs inside a bpy module. FILES holds, for each number of triangles, the files that a job leaves,
made by `benchmarks.blender`. They are read and checked in a thread, as they come from a backend;
then the timer is played until the mesh is there, one undo step included, and the scene evaluated.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import bpy

from benchmarks import extension
from benchmarks.costs import Cost, block, cost

SURFACE, TEXTURE = "result.ply", "basecolor.png"


def main(folder: Path, zip_file: Path, files: Path) -> dict[str, Any]:
    extension.install(zip_file, folder / "backend")
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    rows = {}
    for path in sorted(files.glob("sheet-*"), key=faces_of):
        bring(path.name, read(path))
        rows[key_of(path)] = block(_play())
    return {"blender": bpy.app.version_string, "faces": rows}


def faces_of(path: Path) -> int:
    """By the name of a folder of a job's files."""
    return int(path.name.rpartition("-")[2])


def key_of(path: Path) -> str:
    """How its figures are called."""
    return f"{faces_of(path) // 1000}k"


def read(folder: Path) -> Any:
    """A result from its files, as the client's thread reads it."""
    files = [(folder / name).read_bytes() for name in (SURFACE, TEXTURE)]
    return extension.module("results").ready(*files, None)


def bring(title: str, result: Any) -> None:
    """Have a result wait for its import."""
    status, jobs = extension.module("status"), extension.module("shared.jobs")
    job = status.Job(scene=bpy.context.scene.name, job_id=title, title=title, method="flood")
    job.state, job.result = jobs.JobState.SUCCEEDED, result
    status.current.job = job


def _play() -> list[Cost]:
    """Every call of the timer until the mesh is there, and the scene's evaluation."""
    pump, job = extension.module("inbox").pump, extension.module("status").current.job
    costs = []
    while not job.imported:
        costs.append(cost(pump))
        time.sleep(0.01)
    costs.append(cost(bpy.context.view_layer.update))
    return costs


if __name__ == "__main__":
    folder, zip_file, files = map(Path, sys.argv[1:])
    (folder / "imports.json").write_text(json.dumps(main(folder, zip_file, files)))
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
