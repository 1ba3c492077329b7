# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside the windowed Blender: does what `pictures.py` wishes, and tells how it stands.

    blender [jug.blend] --python tour.py -- WISH.json STATE.json DATA

A wish is `{"number": 3, "do": "look", "with": {…}}`; once it is done, its number is told.
Each stands for what a person clicks, through the same operators.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Euler, Vector

PACKAGE = "bl_ext.user_default.lightkiln"
EVERY = 0.2

wish_file, state_file, data = map(Path, sys.argv[sys.argv.index("--") + 1 :][:3])
done = {"number": 0, "error": ""}


def set_up(document: str) -> None:
    """The file of the last stage, or an empty one beside the photographs."""
    bpy.context.preferences.addons[PACKAGE].preferences.data_folder = str(data)
    if not bpy.data.filepath:
        for thing in list(bpy.data.objects):
            bpy.data.objects.remove(thing)
        bpy.ops.wm.save_as_mainfile(filepath=document)
    _area().spaces.active.show_region_ui = True
    _area().spaces.active.overlay.show_relationship_lines = False
    _area().spaces.active.overlay.show_cursor = False


def save() -> None:
    bpy.ops.wm.save_mainfile()


def call(name: str, **options: Any) -> None:
    """An operator of the extension."""
    getattr(bpy.ops.lightkiln, name)(**options)


def drop(folder: str, name: str) -> None:
    """What Blender calls when a file is dropped on the viewport."""
    names = [{"name": name}]
    directory = bpy.path.abspath(folder)
    bpy.ops.lightkiln.take_photographs("INVOKE_DEFAULT", directory=directory, files=names)


def settings(**values: Any) -> None:
    """Set what the panels show; `finish.size` is the size of the finish."""
    for name, value in values.items():
        *groups, last = name.split("__")
        thing = bpy.context.scene.lightkiln
        for group in groups:
            thing = getattr(thing, group)
        setattr(thing, last, value)


def look(like: str, rise: float, away: float, up: float = 0.0) -> None:
    """Look at the region from a camera's side, so many degrees above, so many sizes away."""
    turn = bpy.data.objects[like].matrix_world.to_euler().z
    region = bpy.context.scene.lightkiln.region
    view = _area().spaces.active.region_3d
    view.view_perspective = "PERSP"
    view.view_rotation = Euler((radians(90.0 - rise), 0.0, turn)).to_quaternion()
    size = max(region.scale)
    view.view_location = region.matrix_world.translation + Vector((0.0, 0.0, up * size))
    view.view_distance = away * size


def look_through(name: str) -> None:
    """Look through a camera, as Numpad 0 does."""
    bpy.context.scene.camera = bpy.data.objects[name]
    view = _area().spaces.active.region_3d
    view.view_perspective, view.view_camera_zoom = "CAMERA", 10.0
    view.view_camera_offset = (0.05, 0.0)


def draw_region_round() -> None:
    """Bring the region's sides in to what stands on the cloth, as an eye and a hand do."""
    points = importlib.import_module(f"{PACKAGE}.sparse_points")
    cloud = next(thing for thing in bpy.context.scene.objects if points.is_cloud(thing))
    region = bpy.context.scene.lightkiln.region
    at = points.positions_of(cloud)
    local = (at - np.array(region.location)) @ np.array(region.matrix_world.to_3x3().normalized())
    local = local[(np.abs(local) < np.array(region.scale)).all(axis=1)]
    counts, edges = np.histogram(local[:, 2], bins=80)
    cloth = edges[counts.argmax() + 1]  # most points lie on it
    thing = local[local[:, 2] > cloth + 0.1 * (edges[-1] - cloth)]
    low, high = np.quantile(thing, (0.002, 0.998), axis=0)
    room = 0.14 * (high - low).max()
    low, high = np.array([*(low[:2] - room), cloth]), high + room
    middle = region.matrix_world.to_3x3().normalized() @ Vector((low + high) / 2)
    region.location, region.scale = region.location + middle, (high - low) / 2


def select_only(first: int) -> None:
    """The first so many cameras."""
    cameras = sorted(
        (thing for thing in bpy.context.scene.objects if thing.type == "CAMERA"),
        key=lambda thing: thing.name,
    )
    for index, camera in enumerate(cameras):
        camera.select_set(index < first)


def show_points(show: bool) -> None:
    points = importlib.import_module(f"{PACKAGE}.sparse_points")
    for thing in bpy.context.scene.objects:
        if points.is_cloud(thing):
            thing.hide_set(not show)


def move_region(by: float) -> None:
    bpy.context.scene.lightkiln.region.location.x += by


def shade(kind: str, color: str = "MATERIAL") -> None:
    space = _area().spaces.active
    space.shading.type = kind
    space.shading.color_type = color


def show_cameras(show: bool) -> None:
    for thing in bpy.context.scene.objects:
        if thing.type == "CAMERA":
            thing.hide_set(not show)


def show_only_words(only: bool) -> None:
    """What was not made of words stands aside meanwhile."""
    for thing in bpy.context.scene.objects:
        thing.hide_set(only and "lightkiln_prompt" not in thing)
    if not only:
        for thing in list(bpy.context.scene.objects):
            if "lightkiln_prompt" in thing:
                bpy.data.objects.remove(thing)


def remove_made_by(method: str) -> None:
    for thing in list(bpy.context.scene.objects):
        if thing.get("lightkiln_method") == method:
            bpy.data.objects.remove(thing)


def look_at_cursor(turn: float, rise: float, away: float) -> None:
    """Look at the 3D cursor from so many degrees to the right of the front, and above."""
    view = _area().spaces.active.region_3d
    view.view_perspective = "PERSP"
    view.view_rotation = Euler((radians(90.0 - rise), 0.0, radians(turn))).to_quaternion()
    view.view_location = bpy.context.scene.cursor.location
    view.view_distance = away


def select_job(index: int) -> None:
    bpy.context.window_manager.lightkiln_job_index = index


def open_preferences() -> None:
    bpy.context.preferences.addons[PACKAGE].preferences.data_folder = ""
    bpy.context.window_manager.addon_search = "Lightkiln"
    bpy.context.preferences.active_section = "ADDONS"
    bpy.ops.preferences.addon_expand(module=PACKAGE)
    _area().ui_type = "PREFERENCES"


WISHES = {
    each.__name__: each
    for each in (
        set_up,
        save,
        call,
        drop,
        settings,
        look,
        look_through,
        draw_region_round,
        select_only,
        show_points,
        move_region,
        shade,
        show_cameras,
        show_only_words,
        remove_made_by,
        look_at_cursor,
        select_job,
        open_preferences,
    )
}


def serve() -> float:
    """Do what is wished, once each, and tell how it stands."""
    wish = json.loads(wish_file.read_text()) if wish_file.exists() else {"number": 0}
    if wish["number"] > done["number"]:
        done["number"], done["error"] = wish["number"], ""
        area = _area()
        region = next(each for each in area.regions if each.type == "WINDOW")
        window = bpy.context.window_manager.windows[0]
        try:
            with bpy.context.temp_override(window=window, area=area, region=region):
                WISHES[wish["do"]](**wish["with"])
        except Exception as error:  # noqa: BLE001 told to whoever wished it
            done["error"] = repr(error)
        for each in window.screen.areas:
            each.tag_redraw()
    part = state_file.with_suffix(".part")
    part.write_text(json.dumps(_state()))
    part.replace(state_file)
    return EVERY


def _state() -> dict[str, object]:
    status = importlib.import_module(f"{PACKAGE}.status").current
    area = _area()
    regions = {region.type: region for region in area.regions}
    window = bpy.context.window_manager.windows[0]
    job = status.job
    return {
        "time": time.time(),
        "done": done["number"],
        "error": done["error"],
        "places": {
            kind: (each.x, window.height - each.y - each.height, each.width, each.height)
            for kind, each in regions.items()
        },
        "tab": getattr(regions["UI"], "active_panel_category", ""),
        "panels": _panels(window, area, regions["UI"]),
        "link": status.link.name,
        "problem": status.problem,
        "checking": status.is_checking,
        "findings": None if status.preflight is None else len(status.preflight.findings),
        "listed": len(status.listed),
        "drawn": 0 if status.drawn is None else len(status.drawn.candidates),
        "photographs": bpy.context.scene.lightkiln.photographs,
        "job": None
        if job is None
        else {
            "method": job.method,
            "state": str(job.state or "sending"),
            "reason": job.reason,
            "metrics": dict(job.progress.metrics) if job.progress else {},
            "fraction": job.progress.fraction if job.progress else 0.0,
            "elapsed": job.progress.elapsed if job.progress else 0.0,
            "curves": {name: len(curve.values) for name, curve in job.curves.items()},
            "has_picture": job.picture is not None,
            "imported": job.imported_as,
            "warnings": job.warnings,
        },
        "cameras": sorted(t.name for t in bpy.context.scene.objects if t.type == "CAMERA"),
    }


def _panels(window: Any, area: Any, region: Any) -> list[dict[str, str]]:
    """The tab's panels that have something to say now, as they follow each other."""
    listed = importlib.import_module(f"{PACKAGE}.panels").CLASSES
    panels = [each for each in listed if issubclass(each, bpy.types.Panel)]
    with bpy.context.temp_override(window=window, area=area, region=region):
        shown = [p for p in panels if not hasattr(p, "poll") or p.poll(bpy.context)]

    def under(parent: str) -> list[dict[str, str]]:
        children = [p for p in shown if getattr(p, "bl_parent_id", "") == parent]
        return [
            line
            for p in children
            for line in ({"name": p.bl_idname, "parent": parent}, *under(p.bl_idname))
        ]

    return under("")


def _area() -> bpy.types.Area:
    """The largest one."""
    areas = bpy.context.window_manager.windows[0].screen.areas
    return max(areas, key=lambda area: area.width * area.height)


bpy.context.preferences.view.show_splash = False
bpy.app.timers.register(serve, first_interval=0.5, persistent=True)
