# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done, each as a button and as a call: `bpy.ops.lightkiln.reconstruct()`.

An operator that cannot be done says why in its tooltip; one that fails reports a sentence and
leaves everything as it was. Waiting is never done here: see `inbox`.
"""

from typing import ClassVar

from bpy.props import EnumProperty, StringProperty
from bpy.types import Context, Operator

from . import (
    backend,
    jobs,
    method_params,
    preview_mesh,
    properties,
    region,
    result_import,
    scene_export,
    status,
)
from .mailbox import Link
from .shared.errors import LightkilnError
from .shared.jobs import JobAction, JobState


class Connect(Operator):
    bl_idname = "lightkiln.connect"
    bl_label = "Connect"
    bl_description = "Connect to the backend on this computer; start it if it is not running"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return status.current.link in (Link.OFF, Link.FAILED)

    def execute(self, context: Context) -> set[str]:
        backend.connect()
        return {"FINISHED"}


class Disconnect(Operator):
    bl_idname = "lightkiln.disconnect"
    bl_label = "Disconnect"
    bl_description = "Close the connection. The backend and its jobs go on"

    def execute(self, context: Context) -> set[str]:
        backend.disconnect()
        return {"FINISHED"}


class Reconstruct(Operator):
    bl_idname = "lightkiln.reconstruct"
    bl_label = "Reconstruct"
    bl_description = "Send the selected cameras' images to the backend and make a mesh of them"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        if job is not None and not job.is_over:
            cls.poll_message_set("A job is running: cancel it or wait for it")
            return False
        if wrong := scene_export.problem(context):
            cls.poll_message_set(wrong.rstrip("."))
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        try:
            jobs.submit(scene_export.order(context), context.scene.name)
        except LightkilnError as error:
            status.current.problem = str(error)
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class _Control:
    """Base of the operators that ask the backend for something about the job."""

    action: ClassVar[JobAction]
    states: ClassVar[tuple[JobState | None, ...]]
    """In which it can be asked; None: on its way to the backend."""
    otherwise: ClassVar[str]
    """Why not, in the other states."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        if job is None or job.state not in cls.states or (job.job_id == "") != job.is_sending:
            cls.poll_message_set(cls.otherwise if job is not None else "There is no job")
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        jobs.control(self.action)
        return {"FINISHED"}


class Cancel(_Control, Operator):
    bl_idname = "lightkiln.cancel"
    bl_label = "Cancel"
    bl_description = "Stop the job; nothing of it is kept"
    action = JobAction.CANCEL
    states = (
        None,
        JobState.QUEUED,
        JobState.RUNNING,
        JobState.PAUSING,
        JobState.PAUSED,
        JobState.FINISHING,
    )
    otherwise = "The job is over"


class Pause(_Control, Operator):
    bl_idname = "lightkiln.pause"
    bl_label = "Pause"
    bl_description = "Save the job's state and free the processor and the graphics card"
    action = JobAction.PAUSE
    states = (JobState.RUNNING,)
    otherwise = "The job is not running"


class Resume(_Control, Operator):
    bl_idname = "lightkiln.resume"
    bl_label = "Resume"
    bl_description = "Go on where the job was paused"
    action = JobAction.RESUME
    states = (JobState.PAUSED,)
    otherwise = "The job is not paused"


class Finish(_Control, Operator):
    bl_idname = "lightkiln.finish"
    bl_label = "Finish Now"
    bl_description = "Good enough: make the mesh of what there is"
    action = JobAction.FINISH
    states = (JobState.RUNNING,)
    otherwise = "The job is not running"


class Retry(_Control, Operator):
    bl_idname = "lightkiln.retry"
    bl_label = "Retry"
    bl_description = "Run the job again, from its last saved state where there is one"
    action = JobAction.RETRY
    states = (JobState.FAILED, JobState.CANCELLED)
    otherwise = "Only a failed or cancelled job can be run again"


class Remove(_Control, Operator):
    bl_idname = "lightkiln.remove"
    bl_label = "Remove Job"
    bl_description = "Delete the job and its files at the backend. Imported meshes stay"
    action = JobAction.DELETE
    states = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)
    otherwise = "Cancel the job first"


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


class AddRegion(Operator):
    bl_idname = "lightkiln.add_region"
    bl_label = "Add Region"
    bl_description = (
        "Add an empty around what the selected cameras look at; move and scale it freely"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    shape: EnumProperty(
        name="Shape",
        items=(("BOX", "Box", "A box"), ("SPHERE", "Sphere", "A ball or an ellipsoid")),
    )

    def execute(self, context: Context) -> set[str]:
        cameras = scene_export.cameras(context)
        empty = region.add(context.scene, self.shape, cameras)
        properties.of(context).region = empty
        return {"FINISHED"}


class ChooseMethod(Operator):
    bl_idname = "lightkiln.choose_method"
    bl_label = "Choose Method"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    name: StringProperty(name="Name")

    @classmethod
    def description(cls, context: Context, operator: Operator) -> str:
        info = status.current.methods.get(operator.name)
        return info.summary.rstrip(".") if info else ""

    def execute(self, context: Context) -> set[str]:
        properties.of(context).method = self.name
        return {"FINISHED"}


class ResetParams(Operator):
    bl_idname = "lightkiln.reset_params"
    bl_label = "Reset to Preset"
    bl_description = "Set all parameters to the preset's values"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def execute(self, context: Context) -> set[str]:
        method_params.fill(context.scene, properties.of(context).preset)
        return {"FINISHED"}


CLASSES = (
    Connect,
    Disconnect,
    Reconstruct,
    Cancel,
    Pause,
    Resume,
    Finish,
    Retry,
    Remove,
    FetchResult,
    ImportResult,
    AddRegion,
    ChooseMethod,
    ResetParams,
)
