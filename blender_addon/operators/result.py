# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetching a finished mesh and putting it into the scene."""

from typing import ClassVar

from bpy.types import Context, Operator

from .. import jobs, preview_mesh, properties, result_import, status
from ..shared.jobs import JobState


class FetchResult(Operator):
    bl_idname = "lightkiln.fetch_result"
    bl_label = "Import Again"
    bl_description = "Fetch the job's mesh from the backend and import it once more"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        if job is None or job.state is not JobState.SUCCEEDED or job.fetching:
            cls.poll_message_set("No job has finished yet")
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        jobs.fetch(status.current.job)
        return {"FINISHED"}


class ImportResult(Operator):
    bl_idname = "lightkiln.import_result"
    bl_label = "Import Reconstruction"
    bl_description = "Put the finished mesh into the scene, where its cameras are"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and job.mesh is not None and context.mode == "OBJECT"

    def execute(self, context: Context) -> set[str]:
        job = status.current.job
        mesh, job.mesh = job.mesh, None
        scene = properties.scene_named(job.scene)
        preview_mesh.remove()
        result = result_import.add(scene, job, mesh, status.current.welcome)
        scene.lightkiln.imported_job_id = job.job_id
        job.imported_as = result.name
        for view_layer in scene.view_layers:
            if result.name in view_layer.objects:
                view_layer.objects.active = result
        self.report({"INFO"}, f"Imported {result.name}: {len(mesh.triangles):,} triangles")
        return {"FINISHED"}


CLASSES = (
    FetchResult,
    ImportResult,
)
