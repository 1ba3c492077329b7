# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs without cameras: choosing or dropping them, the button, and what it brings back."""

from pathlib import Path
from typing import ClassVar

from bpy.props import BoolProperty, CollectionProperty, IntProperty, StringProperty
from bpy.types import Context, Event, FileHandler, Operator, OperatorFileListElement

from .. import alignment, photographs, properties, solve, status, straight
from ..photographs import FILMS, STILLS
from ..shots import Order
from .starting import StartsJob


class TakePhotographs(Operator):
    bl_idname = "lightkiln.take_photographs"
    bl_label = "Choose Photographs"
    bl_description = "Choose a folder of photographs, some of its files, or a video"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN"})
    files: CollectionProperty(type=OperatorFileListElement, options={"SKIP_SAVE", "HIDDEN"})
    filter_glob: StringProperty(
        default=";".join(f"*{ending}" for ending in STILLS + FILMS), options={"HIDDEN"}
    )

    whole_folder: BoolProperty(
        name="Whole Folder",
        description="Take all photographs of the folder, not only the one that was dropped",
        options={"SKIP_SAVE"},
    )
    beside: IntProperty(options={"SKIP_SAVE", "HIDDEN"})
    """So many photographs lie in the folder of the only one that was dropped."""

    def invoke(self, context: Context, event: Event) -> set[str]:
        if not self.directory:
            context.window_manager.fileselect_add(self)
            return {"RUNNING_MODAL"}
        self.beside = _beside(Path(self.directory), self._names())  # dropped: no folder can be
        if self.beside > 1:
            self.whole_folder = True
            return context.window_manager.invoke_props_dialog(self)
        return self.execute(context)

    def draw(self, context: Context) -> None:
        if self.beside > 1:
            text = f"All {self.beside} photographs of {Path(self.directory).name}"
            self.layout.prop(self, "whole_folder", text=text)

    def execute(self, context: Context) -> set[str]:
        names = [] if self.whole_folder else self._names()
        alignment.choose(context.scene, Path(self.directory), names)
        return {"FINISHED"}

    def _names(self) -> list[str]:
        return [each.name for each in self.files if each.name]


def _beside(folder: Path, names: list[str]) -> int:
    """How many photographs there are where a single one was taken from; 0 of several or a film."""
    if len(names) != 1 or Path(names[0]).suffix.lower() in FILMS:
        return 0
    fit = [path for path in photographs.find([folder]).photographs if path.parent == folder]
    return sum(path.suffix.lower() in STILLS for path in fit)


class DropPhotographs(FileHandler):
    bl_idname = "LIGHTKILN_FH_photographs"
    bl_label = "Lightkiln: photographs to align"
    bl_import_operator = "lightkiln.take_photographs"
    bl_file_extensions = ";".join(STILLS + FILMS)

    @classmethod
    def poll_drop(cls, context: Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class Align(StartsJob, Operator):
    bl_idname = "lightkiln.align"
    bl_label = "Align"
    bl_description = (
        "Have the backend find where the photographs were taken: cameras, sparse points and a "
        "region come back, upright and at a guessed scale"
    )

    @classmethod
    def missing(cls, context: Context) -> str:
        return alignment.problem(context.scene)

    def order(self, context: Context) -> Order:
        return alignment.order(context.scene)


class ImportSolved(Operator):
    bl_idname = "lightkiln.import_solved"
    bl_label = "Import Cameras"
    bl_description = "Put the cameras, points and region that were found into the scene"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and job.solved is not None and context.mode == "OBJECT"

    def execute(self, context: Context) -> set[str]:
        job = status.current.job
        solved, job.solved = job.solved, None
        scene = properties.scene_named(job.scene)
        root = solve.add(scene, job.title, job.job_id, solved)
        scene.lightkiln.imported_job_id = job.job_id
        job.imported_as = root.name
        solve.take_up(scene, root)
        lost = [view.name for view in solved.scene.views if view.image.sha256 not in solved.paths]
        if lost:
            job.warnings.append(
                f"{len(lost)} photographs, {lost[0]} first, are not where they were: "
                "set the image folder."
            )
        if bent := straight.shortfall(solved):
            job.warnings.append(bent)
        self.report({"INFO"}, f"Imported {root.name}: {len(solved.scene.views)} cameras")
        return {"FINISHED"}


CLASSES = (
    TakePhotographs,
    DropPhotographs,
    Align,
    ImportSolved,
)
