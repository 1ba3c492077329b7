# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with a job of the list: fetch it, run it again, take its settings, delete it."""

from typing import ClassVar

from bpy.types import Context, Event, Operator

from .. import job_list, jobs, status
from ..shared.jobs import JobAction, JobState

OVER = (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


class _OnListed:
    """Base of the operators on the job that is chosen in the list."""

    states: ClassVar[tuple[JobState, ...]] = tuple(JobState)
    otherwise: ClassVar[str] = ""
    """Why not, in the other states."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        chosen, current = job_list.selected(), status.current.job
        if chosen is None:
            cls.poll_message_set("Choose a job in the list")
        elif chosen.state not in cls.states:
            cls.poll_message_set(cls.otherwise)
        elif current is not None and current.is_sending and not current.job_id:
            cls.poll_message_set("A job is on its way to the backend")
        else:
            return True
        return False


class OpenJob(_OnListed, Operator):
    bl_idname = "lightkiln.open_job"
    bl_label = "Fetch Job"
    bl_description = "Follow the job here; if it is done, import what it has made"

    def execute(self, context: Context) -> set[str]:
        jobs.follow(context.scene.name, job_list.selected().job_id)
        return {"FINISHED"}


class RetryJob(_OnListed, Operator):
    bl_idname = "lightkiln.retry_job"
    bl_label = "Retry Job"
    bl_description = "Run the job again, from its last saved state where there is one"
    states = (JobState.FAILED, JobState.CANCELLED)
    otherwise = "Only a failed or cancelled job can be run again"

    def execute(self, context: Context) -> set[str]:
        jobs.follow(context.scene.name, job_list.selected().job_id)
        jobs.control(JobAction.RETRY)
        job_list.ask_soon()
        return {"FINISHED"}


class DuplicateJob(_OnListed, Operator):
    bl_idname = "lightkiln.duplicate_job"
    bl_label = "Take Settings"
    bl_description = "Set method, parameters and finish as they were in this job, for another one"

    def execute(self, context: Context) -> set[str]:
        job_list.take_settings(job_list.selected().job_id, context.scene.name)
        return {"FINISHED"}


class RemoveJob(_OnListed, Operator):
    bl_idname = "lightkiln.remove_job"
    bl_label = "Delete Job"
    bl_description = "Delete the job and its files at the backend. Imported meshes stay"
    states = OVER
    otherwise = "Cancel the job first"

    def invoke(self, context: Context, event: Event) -> set[str]:
        return context.window_manager.invoke_confirm(self, event)

    def execute(self, context: Context) -> set[str]:
        jobs.delete(job_list.selected().job_id)
        job_list.ask_soon()
        return {"FINISHED"}


CLASSES = (OpenJob, RetryJob, DuplicateJob, RemoveJob)
