# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs without cameras, from the folder to a scene that can be reconstructed.

The photographs are of a still life whose cameras are known (`LIGHTKILN_PHOTOGRAPHS`, made by
`test_every_blender.py`); the real backend aligns them. What follows an alignment is tested on a
small scene made here, with a lens that has everything.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from pictures import png

PHOTOGRAPHS = Path(os.environ["LIGHTKILN_PHOTOGRAPHS"])
TRUTH = json.loads((PHOTOGRAPHS / "truth.json").read_text())
"""Centres of the cameras by name of the photograph."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as people have them: spaces, other letters, other files, a plain photograph."""
    made = tmp_path / "Фото кухни 2026"
    shutil.copytree(PHOTOGRAPHS, made)
    png(made / "пустой лист.png", 320, 240)
    return made


def _job() -> object:
    return module("status").current.job


def _solve() -> bpy.types.Object:
    (root,) = module("solve").roots(bpy.context.scene)
    return root


def test_a_folder_of_photographs_becomes_cameras_that_can_be_reconstructed(
    folder: Path, pump_until: Callable[..., None]
) -> None:
    assert not bpy.ops.lightkiln.align.poll()
    assert bpy.ops.lightkiln.take_photographs(directory=str(folder), files=[]) == {"FINISHED"}
    bpy.context.scene.lightkiln.align_preset = "draft"
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    _align(pump_until)
    cameras = module("scene_export").cameras(bpy.context)
    assert [camera.name for camera in cameras] == [Path(name).stem for name in sorted(TRUTH)]
    _agree_with_the_truth(cameras)
    ((name, reason),) = module("solve").unplaced(_solve())
    assert name == "пустой лист.png"
    assert reason.endswith(".")
    shown = cameras[0].data.background_images[0].image
    assert Path(bpy.path.abspath(shown.filepath)).parent == folder
    assert bpy.context.scene.lightkiln.region.parent == _solve()

    bpy.context.scene.lightkiln.method = "paced"
    assert bpy.ops.lightkiln.reconstruct() == {"FINISHED"}
    pump_until(lambda: _job().imported)
    bpy.ops.ed.undo()  # the mesh
    bpy.ops.ed.undo()  # the cameras
    assert not bpy.data.cameras
    assert not module("solve").roots(bpy.context.scene)
    bpy.ops.ed.redo()
    assert len(module("solve").cameras(_solve())) == len(TRUTH)


def _align(pump_until: Callable[..., None]) -> None:
    """Press the button and wait, while the counts go by."""
    assert bpy.ops.lightkiln.align() == {"FINISHED"}
    assert not bpy.ops.lightkiln.align.poll()
    counts: set[str] = set()

    def is_imported() -> bool:
        counts.update(_job().progress.metrics if _job().progress else ())
        return _job().imported

    pump_until(is_imported, seconds=120.0)
    assert {"features", "matches", "registered", "reprojection_error"} <= counts
    assert "Not photographs, and passed over: truth.json." in _job().warnings


def _agree_with_the_truth(cameras: list[bpy.types.Object]) -> None:
    """Up to a similarity: distances between the cameras, divided by their mean."""
    found = np.array([camera.matrix_world.translation for camera in cameras])
    true = np.array([TRUTH[name] for name in sorted(TRUTH)])
    between = [np.linalg.norm(each[:, None] - each, axis=-1) for each in (found, true)]
    ratios = [each / each.mean() for each in between]
    np.testing.assert_allclose(*ratios, atol=0.02)
    assert all(camera.matrix_world.to_3x3().col[1].z > 0.0 for camera in cameras)  # upright
