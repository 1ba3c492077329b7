# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be asked of a job: cancel, pause, resume, finish now, retry, remove."""

from typing import ClassVar

from bpy.types import Context, Operator

from .. import jobs, status
from ..shared.jobs import JobAction, JobState


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


CLASSES = (
    Cancel,
    Pause,
    Resume,
    Finish,
    Retry,
    Remove,
)
