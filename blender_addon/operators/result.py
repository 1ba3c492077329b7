# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a finished mesh, putting it into the scene, and having it finished once more."""

from contextlib import suppress
from typing import ClassVar

from bpy.types import Context, Operator, Scene

from .. import finish_settings, frames, jobs, preview_mesh, properties, result_import, status
from ..found_frames import FoundFrames
from ..results import Result
from ..shared.jobs import JobState
from ..status import Job


class _OfFinished:
    """Base of what wants a finished job."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        if job is None or job.state is not JobState.SUCCEEDED or job.fetching:
            cls.poll_message_set("No job has finished yet")
            return False
        return True


class FetchResult(_OfFinished, Operator):
    bl_idname = "lightkiln.fetch_result"
    bl_label = "Import Again"
    bl_description = "Fetch what the job has made from the backend and import it once more"

    def execute(self, context: Context) -> set[str]:
        jobs.fetch(status.current.job)
        return {"FINISHED"}


class FinishAgain(_OfFinished, Operator):
    bl_idname = "lightkiln.finish_again"
    bl_label = "Make It Again"
    bl_description = (
        "Clean, simplify and texture the finished job's surface anew with these options, "
        "as a job of its own. Nothing is trained again"
    )

    def execute(self, context: Context) -> set[str]:
        finish = finish_settings.values(properties.of(context).finish)
        jobs.finish_again(status.current.job, context.scene.name, finish)
        return {"FINISHED"}


class ImportResult(Operator):
    bl_idname = "lightkiln.import_result"
    bl_label = "Import Reconstruction"
    bl_description = "Put the finished mesh into the scene, where its cameras are; and its frames"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and _is_fetched(job) and context.mode == "OBJECT"

    def execute(self, context: Context) -> set[str]:
        job = status.current.job
        result, job.result = job.result, None
        found, job.frames = job.frames, None
        scene = properties.scene_named(job.scene)
        preview_mesh.remove()
        told = []
        if result is not None:
            job.imported_as = _add_mesh(scene, job, result)
            told.append(f"{job.imported_as}: {len(result.mesh.triangles):,} triangles")
        if found is not None:
            job.shown = _show_frames(scene, job, found)
            job.imported_as = job.imported_as or job.shown
            told.append(job.shown)
        scene.lightkiln.imported_job_id = job.job_id
        self.report({"INFO"}, f"Imported {', and '.join(told)}")
        return {"FINISHED"}


def _is_fetched(job: Job) -> bool:
    return not (job.result is None and job.frames is None)


def _add_mesh(scene: Scene, job: Job, result: Result) -> str:
    made = result_import.add(scene, job, result, status.current.welcome)
    for view_layer in scene.view_layers:
        with suppress(RuntimeError):  # the collection is excluded from this view layer
            view_layer.objects.active = made
    return made.name


def _show_frames(scene: Scene, job: Job, found: FoundFrames) -> str:
    """How many there are, and where."""
    number = f"{found.num} frame{'' if found.num == 1 else 's'}"
    camera = frames.show(scene, found, job.order.path if job.order is not None else None)
    return f"{number} in {found.folder}" if camera is None else f"{number} before {camera.name}"


CLASSES = (
    FetchResult,
    FinishAgain,
    ImportResult,
)
