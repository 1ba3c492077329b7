# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the windowed Blender: opens what a person would have open, and tells how it stands.

    blender SAMPLE.blend --python startup.py -- REGION.json STATE.json DATA

The file STATE.json is renewed five times a second; the test reads it. No button is pressed here.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

import bpy
from mathutils import Matrix, Vector

PACKAGE = "bl_ext.user_default.lightkiln"
EVERY = 0.2
RESULTS = "Lightkiln"
"""The collection in which meshes arrive."""

document, state, data = map(Path, sys.argv[sys.argv.index("--") + 1 :][:3])


def set_up() -> None:
    bpy.context.preferences.addons[PACKAGE].preferences.data_folder = str(data)
    scene = bpy.context.scene
    empty = bpy.data.objects.new("Region", None)
    empty.empty_display_type = "CUBE"
    empty.matrix_world = Matrix(json.loads(document.read_text())["region"]["world_from_region"])
    scene.collection.objects.link(empty)
    scene.lightkiln.region = empty
    scene.lightkiln.preset = "draft"
    for thing in bpy.data.objects:
        thing.select_set(thing.type == "CAMERA")
        thing.hide_set(thing.type in ("MESH", "LIGHT"))  # only the photographs are there
    area = _area()
    area.spaces.active.show_region_ui = True
    area.spaces.active.overlay.show_relationship_lines = False
    view = area.spaces.active.region_3d
    view.view_location, view.view_distance = Vector((0.15, 0.1, 0.0)), 4.6
    view.view_rotation = Matrix(VIEW).to_quaternion()
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.ed.undo_push(message="Set up")  # what a person did before is a step of its own


def tell() -> float:
    part = state.with_suffix(".part")
    part.write_text(json.dumps(_state()))
    part.replace(state)
    return EVERY


def _state() -> dict[str, object]:
    regions = {region.type: region for region in _area().regions}
    places = {
        kind: (
            region.x,
            bpy.context.window_manager.windows[0].height - region.y - region.height,
            region.width,
            region.height,
        )
        for kind, region in regions.items()
    }
    job = importlib.import_module(f"{PACKAGE}.status").current.job
    return {
        "time": time.time(),
        "places": places,
        "tab": getattr(regions["UI"], "active_panel_category", ""),
        "problem": importlib.import_module(f"{PACKAGE}.status").current.problem,
        "job": None
        if job is None
        else {
            "state": str(job.state or "sending"),
            "reason": job.reason,
            "phase": job.progress.phase if job.progress else "",
            "step": job.progress.step if job.progress else 0,
            "has_picture": job.picture is not None,
            "imported": job.imported,
        },
        "selected": sum(thing.select_get() for thing in bpy.context.view_layer.objects),
        "results": _results(),
    }


def _results() -> list[dict[str, object]]:
    found = bpy.data.collections.get(RESULTS)
    return [_about(thing) for thing in found.objects] if found else []


def _about(thing: bpy.types.Object) -> dict[str, object]:
    corners = [thing.matrix_world @ Vector(corner) for corner in thing.bound_box]
    return {
        "type": thing.type,
        "triangles": len(thing.data.polygons),
        "low": [min(corner[axis] for corner in corners) for axis in range(3)],
        "high": [max(corner[axis] for corner in corners) for axis in range(3)],
        "colours": len(thing.data.color_attributes),
        "materials": len(thing.data.materials),
    }


def _area() -> bpy.types.Area:
    screen = bpy.context.window_manager.windows[0].screen
    return next(area for area in screen.areas if area.type == "VIEW_3D")


VIEW = ((0.87, -0.17, 0.46), (0.49, 0.3, -0.82), (0.0, 0.94, 0.34))
"""world_from_view: from the right and a little above."""

bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(set_up, first_interval=0.5)
bpy.app.timers.register(tell, first_interval=1.5, persistent=True)
