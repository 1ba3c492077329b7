# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks are found, seen over the photographs, sent with them, taken from files and removed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from pictures import colored, cutout

WIDTH, HEIGHT = 160, 120
GREEN = (30, 200, 40)
AROUND = [(4.0, 0.0, 1.0), (0.0, 4.0, 1.0), (-4.0, 0.0, 1.0), (0.0, -4.0, 1.0)]
INSIDE = np.zeros((HEIGHT, WIDTH), dtype=bool)
INSIDE[30:90, 50:110] = True


@pytest.fixture
def cameras(tmp_path: Path, add_camera: Callable[..., bpy.types.Object]) -> list[bpy.types.Object]:
    """Four cameras; something red before a green wall."""
    pixels = np.where(INSIDE[..., None], (200, 40, 30), GREEN).astype(np.uint8)
    made = []
    for index, position in enumerate(AROUND):
        path = colored(tmp_path / f"снимок {index}.png", pixels + np.uint8(index))
        made.append(add_camera(f"Camera {index}", position, (0.0, 0.0, 0.0), path))
    return made


def _mask_pixels(camera: bpy.types.Object) -> np.ndarray:
    image = module("masks").mask_of(camera.data)
    pixels = np.array(image.pixels[:]).reshape(image.size[1], image.size[0], -1)
    return pixels[::-1, :, 0] > 0.5


def _sent() -> object:
    """The scene's document, as it would be submitted."""
    prepared = module("shots").prepare(module("scene_export").order(bpy.context), lambda *_: None)
    document = prepared.files[prepared.scene_sha256]
    return module("shared.codec").from_json(module("shared.scene").Scene, document)


def test_masks_are_found_by_a_key_and_lie_over_the_photographs(
    cameras: list[bpy.types.Object], pump_until: Callable[..., None]
) -> None:
    settings = bpy.context.scene.lightkiln
    settings.mask_by, settings.key_color = "KEY", [value / 255 for value in GREEN]
    bpy.context.preferences.edit.use_global_undo = True
    bpy.ops.ed.undo_push(message="before")
    assert all(view.mask is None for view in _sent().views)
    assert bpy.ops.lightkiln.segment() == {"FINISHED"}
    pump_until(lambda: module("status").current.job.imported)
    for camera in cameras:
        assert (_mask_pixels(camera) != INSIDE).sum() <= 4  # the corners are rounded
        photograph, overlay = camera.data.background_images
        assert module("masks").photograph_of(camera.data) == photograph.image
        assert (overlay.display_depth, overlay.image) == ("FRONT", camera.data["lightkiln_mask"])
    assert all(view.mask is not None for view in _sent().views)
    bpy.ops.ed.undo()
    assert all(len(data.background_images) == 1 for data in bpy.data.cameras)
    assert all(view.mask is None for view in _sent().views)


def test_masks_are_taken_from_files_and_removed(
    cameras: list[bpy.types.Object], tmp_path: Path
) -> None:
    folder = tmp_path / "маски"
    folder.mkdir()
    for name in ("снимок 0.png", "снимок 1.png.png", "Camera 2.png"):
        cutout(folder / name, INSIDE)
    bpy.ops.lightkiln.masks_from_folder(directory=str(folder))
    has = [module("masks").mask_of(camera.data) is not None for camera in cameras]
    assert has == [True, True, True, False]
    assert [view.mask is not None for view in _sent().views] == has
    assert bpy.ops.lightkiln.remove_masks() == {"FINISHED"}
    assert all(view.mask is None for view in _sent().views)
    assert all(len(camera.data.background_images) == 1 for camera in cameras)
