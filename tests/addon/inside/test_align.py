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
    assert any(cameras[0].data["lightkiln_distortion"])
    hidden, straight = cameras[0].data.background_images
    assert (hidden.show_background_image, straight.show_background_image) == (False, True)
    assert tuple(straight.image.size) == tuple(shown.size)
    assert bpy.context.scene.lightkiln.region.parent == _solve()

    bpy.context.scene.lightkiln.method = "paced"
    (cloud,) = module("solve").clouds(bpy.context.visible_objects)
    assert bpy.ops.lightkiln.reconstruct() == {"FINISHED"}
    assert not cloud.visible_get(), "points stand before the mesh"
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


def test_an_alignment_survives_another_file_and_a_closed_blender(
    folder: Path, tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    """To the extension both are the same: nothing is left of it but what the file holds."""
    bpy.ops.lightkiln.take_photographs(directory=str(folder), files=[])
    bpy.context.scene.lightkiln.align_preset = "draft"
    bpy.ops.lightkiln.align()
    pump_until(lambda: _job().state == "running")
    file = str(tmp_path / "середина.blend")
    bpy.ops.wm.save_as_mainfile(filepath=file)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=False)
    assert _job() is None
    assert not bpy.data.cameras
    bpy.ops.wm.open_mainfile(filepath=file)
    pump_until(lambda: _job().imported, seconds=120.0)
    cameras = module("scene_export").cameras(bpy.context)
    assert len(cameras) == len(TRUTH)
    assert all(module("masks").photograph_of(camera.data) for camera in cameras)


def test_a_film_becomes_cameras_with_its_frames_behind_them(
    pump_until: Callable[..., None],
) -> None:
    film = Path(os.environ["LIGHTKILN_FILM"])
    bpy.ops.lightkiln.take_photographs(directory=str(film.parent), files=[{"name": film.name}])
    bpy.context.scene.lightkiln.align_preset = "draft"
    assert bpy.ops.lightkiln.align() == {"FINISHED"}
    pump_until(lambda: _job().imported, seconds=120.0)
    cameras = module("scene_export").cameras(bpy.context)
    assert len(cameras) >= 6
    frames = [module("masks").photograph_of(camera.data) for camera in cameras]
    paths = [Path(frame.filepath) for frame in frames]
    assert len(set(paths)) == len(cameras)
    assert {path.parent for path in paths} == {
        module("preferences").photographs_folder(_job().job_id)
    }
    assert all(tuple(frame.size) == tuple(frames[0].size) for frame in frames)
    assert min(frames[0].size) > 0, "it can be decoded"
    around = bpy.context.scene.lightkiln.region.matrix_world.translation
    turns = [np.arctan2(*(each.matrix_world.translation - around).yx) for each in cameras]
    steps = np.diff(np.unwrap(turns))
    assert (steps > 0.0).all() or (steps < 0.0).all(), "whoever filmed walked one way"
    assert bpy.ops.lightkiln.reconstruct.poll()


@pytest.mark.parametrize("gone", [False, True])
def test_a_folder_without_photographs_is_told_in_a_sentence(
    gone: bool, tmp_path: Path, pump_until: Callable[..., None]
) -> None:
    (tmp_path / "leer").mkdir()
    bpy.ops.lightkiln.take_photographs(directory=str(tmp_path / "leer"), files=[])
    if gone:
        (tmp_path / "leer").rmdir()
    bpy.ops.lightkiln.align()
    pump_until(lambda: _job().is_over, may_fail=True)
    assert ("leer" in _job().reason) and _job().job_id == ""
    assert bpy.ops.lightkiln.align.poll(), "a dead button"


def _beside(files: list[dict[str, str]]) -> int:
    return module("operators.align")._beside(PHOTOGRAPHS, [each["name"] for each in files])


def test_dropped_files_and_a_video_are_what_is_aligned(tmp_path: Path) -> None:
    names = [{"name": "photo 01.jpg"}, {"name": "photo 03.jpg"}]
    bpy.ops.lightkiln.take_photographs(directory=str(PHOTOGRAPHS), files=names)
    chosen = module("alignment").chosen(bpy.context.scene)
    assert [path.name for path in chosen] == ["photo 01.jpg", "photo 03.jpg"]
    found = module("photographs").find(chosen)
    assert found.photographs == chosen
    assert _beside(names) == _beside([{"name": "прогулка.MP4"}]) == 0
    assert _beside(names[:1]) == len(TRUTH)  # a folder cannot be dropped, so all of it is offered
    bpy.ops.lightkiln.take_photographs(
        directory=str(PHOTOGRAPHS), files=names[:1], whole_folder=True
    )
    assert module("alignment").chosen(bpy.context.scene) == (PHOTOGRAPHS,)
    bpy.ops.lightkiln.take_photographs(directory=str(tmp_path), files=[{"name": "прогулка.MP4"}])
    assert module("alignment").chosen(bpy.context.scene) == (tmp_path / "прогулка.MP4",)
    handler = bpy.types.FileHandler.bl_rna_get_subclass_py("LIGHTKILN_FH_photographs")
    assert {".jpg", ".heic", ".mp4"} <= set(handler.bl_file_extensions.split(";"))
