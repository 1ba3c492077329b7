# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a finished mesh, putting it into the scene, and having it finished once more."""

from contextlib import suppress
from typing import ClassVar

from bpy.types import Context, Operator

from .. import finish_settings, jobs, preview_mesh, properties, result_import, status
from ..shared.jobs import JobState


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
    bl_description = "Fetch the job's mesh from the backend and import it once more"

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
    bl_description = "Put the finished mesh into the scene, where its cameras are"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and job.result is not None and context.mode == "OBJECT"

    def execute(self, context: Context) -> set[str]:
        job = status.current.job
        result, job.result = job.result, None
        scene = properties.scene_named(job.scene)
        preview_mesh.remove()
        made = result_import.add(scene, job, result, status.current.welcome)
        scene.lightkiln.imported_job_id = job.job_id
        job.imported_as = made.name
        for view_layer in scene.view_layers:
            with suppress(RuntimeError):  # the collection is excluded from this view layer
                view_layer.objects.active = made
        self.report({"INFO"}, f"Imported {made.name}: {len(result.mesh.triangles):,} triangles")
        return {"FINISHED"}


CLASSES = (
    FetchResult,
    FinishAgain,
    ImportResult,
)
