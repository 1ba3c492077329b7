# SPDX-License-Identifier: GPL-3.0-or-later
"""Solves of other programs into the scene, and the scene's cameras out to them."""

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar

import bpy
import numpy as np
from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy.types import Context, Event, Menu, Operator

from .. import (
    backend,
    conversion,
    points,
    preferences,
    scene_export,
    solve,
    sparse_points,
    status,
    straight,
    tracker,
)
from ..shared.errors import LightkilnError
from ..solved import Solved
from .starting import Excused

READABLE = "COLMAP, transforms.json, Meshroom, Metashape, RealityScan"
BUSY = "A solve is being read or written"


class _Converting(Excused):
    """Base of both ways, one at a time."""

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: bpy.props.BoolProperty(default=True, options={"HIDDEN"})

    @classmethod
    def obstacle(cls, context: Context) -> str:
        return BUSY if status.current.converting else ""

    def invoke(self, context: Context, event: Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class ImportSolve(_Converting, Operator):
    bl_idname = "lightkiln.import_solve"
    bl_label = "Import Solve"
    bl_description = f"Bring cameras of another program into the scene, from a folder: {READABLE}"

    def execute(self, context: Context) -> set[str]:
        folder, command = Path(self.directory), preferences.get().command
        _read(context, folder.name, lambda: conversion.read(command, folder))
        return {"FINISHED"}


class ImportTracked(Excused, Operator):
    bl_idname = "lightkiln.import_tracked"
    bl_label = "Import Tracked Clip"
    bl_description = (
        "Bring the cameras and points that Blender's motion tracker has solved into the scene, "
        "a camera for each frame of an image sequence or a film"
    )

    clip: EnumProperty(
        name="Clip",
        description="A movie clip whose camera motion is solved",
        items=lambda _self, _context: [(each.name, each.name, "") for each in tracker.clips()],
    )
    at_most: IntProperty(
        name="At Most",
        description="So many frames, spread over the whole clip",
        default=150,
        min=3,
        soft_max=1000,
    )

    @classmethod
    def obstacle(cls, context: Context) -> str:
        if status.current.converting:
            return BUSY
        return "" if tracker.clips() else "No movie clip has a solved camera motion"

    def invoke(self, context: Context, event: Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: Context) -> set[str]:
        clip = bpy.data.movieclips[self.clip]
        try:
            folder = preferences.photographs_folder(tracker.FOLDER)
            tracked = tracker.read(clip, context.scene, self.at_most, folder)
        except LightkilnError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        command = preferences.get().command
        title = f"Tracked {Path(clip.name).stem}"
        _read(context, title, lambda: tracker.solved(tracked, command))
        return {"FINISHED"}


class AddSolve(Operator):
    bl_idname = "lightkiln.add_solve"
    bl_label = "Add Solve"
    bl_description = "Put the solve that was read into the scene"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return status.current.read is not None and context.mode == "OBJECT"

    def execute(self, context: Context) -> set[str]:
        (name, title, found), status.current.read = status.current.read, None
        scene = bpy.data.scenes.get(name) or context.scene
        root = solve.add(scene, title, title, found)
        solve.take_up(scene, root)
        status.current.problem = straight.shortfall(found)
        self.report({"INFO"}, f"Imported {root.name}: {len(found.scene.views)} cameras")
        return {"FINISHED"}


class ExportSolve(_Converting, Operator):
    bl_idname = "lightkiln.export_solve"
    bl_label = "Export Solve"
    bl_description = (
        "Write the selected cameras, their images, the region and the sparse points for others, "
        "into a new folder"
    )

    kind: EnumProperty(
        name="Format",
        description="What is written",
        items=(
            ("colmap", "COLMAP", "A binary model in sparse/0, with the points"),
            ("transforms", "transforms.json", "As Nerfstudio writes it, with the region"),
        ),
    )

    @classmethod
    def obstacle(cls, context: Context) -> str:
        return super().obstacle(context) or scene_export.problem(context)

    def execute(self, context: Context) -> set[str]:
        try:
            order = scene_export.order(context)
        except LightkilnError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        cloud, command, kind = _cloud(context), preferences.get().command, self.kind
        target = Path(self.directory) / f"{bpy.path.clean_name(order.title)}-{kind}"
        status.current.converting, status.current.problem = f"Writing {target.name}", ""
        work = conversion.in_a_thread(lambda: conversion.write(command, order, cloud, target, kind))
        backend.when_done(work, lambda future: _settle(future, _nothing))
        return {"FINISHED"}


def _read(context: Context, title: str, work: Callable[[], Solved]) -> None:
    """Have a solve read in a thread; `inbox` adds it."""
    name, command = context.scene.name, preferences.get().command
    status.current.converting, status.current.problem = f"Reading {title}", ""

    def then(found: Solved) -> None:
        status.current.read = (name, title, found)

    reading = conversion.in_a_thread(lambda: straight.add(command, work()))
    backend.when_done(reading, lambda future: _settle(future, then))


def _settle(future: Future[Any], then: Any) -> None:
    status.current.converting = ""
    try:
        result = future.result()
    except LightkilnError as error:
        status.current.problem = str(error)
        return
    then(result)


def _nothing(_: Any) -> None:
    """The folder is there."""


def _cloud(context: Context) -> bytes:
    """The sparse points of the solved scene, in the world."""
    root = solve.current(context)
    clouds = [] if root is None else solve.clouds(root.children)
    if not clouds:
        return points.NONE
    return points.written(
        np.concatenate([sparse_points.positions_of(cloud) for cloud in clouds]),
        np.concatenate([sparse_points.colors_of(cloud) for cloud in clouds]),
    )


def import_menu(menu: Menu, context: Context) -> None:
    """The lines in File > Import."""
    menu.layout.operator("lightkiln.import_solve", text="Lightkiln: Cameras of Other Programs")
    menu.layout.operator("lightkiln.import_tracked", text="Lightkiln: Cameras of a Tracked Clip")


def export_menu(menu: Menu, context: Context) -> None:
    """The line in File > Export."""
    menu.layout.operator("lightkiln.export_solve", text="Lightkiln: Cameras (COLMAP, transforms)")


def register_menus() -> None:
    bpy.types.TOPBAR_MT_file_import.append(import_menu)
    bpy.types.TOPBAR_MT_file_export.append(export_menu)


def unregister_menus() -> None:
    bpy.types.TOPBAR_MT_file_export.remove(export_menu)
    bpy.types.TOPBAR_MT_file_import.remove(import_menu)


CLASSES = (ImportSolve, ImportTracked, AddSolve, ExportSolve)
