# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets up the demo's scene in Blender: cameras with their photographs behind them, and a region.

Reads only documents that `demo.photographs` or `demo.make_sample` wrote. Blender's camera axes are
those of `transforms.json`, so poses are taken as they stand.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import bpy
from mathutils import Matrix

REGION = "Region"
SENSOR = 36.0
"""Millimetres across the longer side of the picture."""


def open_scene(folder: Path) -> list[bpy.types.Object]:
    """Open the folder's .blend, or make its cameras anew; returns them."""
    document = json.loads((folder / "transforms.json").read_text())
    if (folder / "sample.blend").exists():
        bpy.ops.wm.open_mainfile(filepath=str(folder / "sample.blend"))
        cameras = [thing for thing in bpy.data.objects if thing.type == "CAMERA"]
    else:
        bpy.ops.wm.read_factory_settings(use_empty=True)
        cameras = add_cameras(folder)
    for thing in bpy.data.objects:
        if thing.type == "MESH":  # what was photographed is not there any more
            thing.hide_render = True
            thing.hide_set(True)
    _add_region(document["region"])
    bpy.context.view_layer.update()
    return sorted(cameras, key=lambda camera: camera.name)


def add_cameras(folder: Path) -> list[bpy.types.Object]:
    """The cameras of the folder's photographs, in the scene that is open."""
    document = json.loads((folder / "transforms.json").read_text())
    return [_camera({**document, **frame}, folder) for frame in document["frames"]]


def _camera(values: Mapping[str, Any], folder: Path) -> bpy.types.Object:
    path = folder / values["file_path"]
    data = bpy.data.cameras.new(path.stem)
    width, height, longer = values["w"], values["h"], max(values["w"], values["h"])
    data.sensor_fit, data.sensor_width = "AUTO", SENSOR
    data.lens = values["fl_x"] * SENSOR / longer
    data.shift_x = (width / 2 - values["cx"]) / longer
    data.shift_y = (values["cy"] - height / 2) / longer
    data.background_images.new().image = bpy.data.images.load(str(path))
    data.show_background_images = True
    camera = bpy.data.objects.new(path.stem, data)
    camera.matrix_world = Matrix(values["transform_matrix"])
    bpy.context.scene.collection.objects.link(camera)
    return camera


def _add_region(region: Mapping[str, Any]) -> None:
    empty = bpy.data.objects.new(REGION, None)
    empty.empty_display_type = {"box": "CUBE", "sphere": "SPHERE"}[region["shape"]]
    empty.matrix_world = Matrix(region["world_from_region"])
    bpy.context.scene.collection.objects.link(empty)
