# SPDX-License-Identifier: GPL-3.0-or-later
"""The job of the scene, from the button to the mesh: what is asked, and what each answer changes.

All of it runs on the main thread and only sets `status.current`; Blender's data is changed by the
operators that `inbox` calls. However a job ends, nothing half-done stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

from . import alignment, backend, places, preferences, preview, properties, status
from .candidates import Drawn
from .curves import Curve
from .mailbox import Came, Sent
from .previews import Picture
from .shared.errors import JobCancelled, LightkilnError
from .shared.jobs import JOB_ID, JobAction, JobRecord, JobState, JobSummary, Progress, RecordKind
from .shared.messages import (
    ControlJob,
    FinishAgain,
    JobProgressed,
    JobRecorded,
    LookFrom,
    Watching,
)
from .shared.params import Scalar
from .shots import Order
from .solved import Solved
from .status import Job

MAX_WARNINGS = 20
SEGMENT = "segment"
"""The method for masks that every backend has, known before the backend has listed its methods."""
MAX_CURVES = 8


def submit(order: Order, scene: str) -> None:
    """Send an order on its way; it becomes the current job. Returns at once."""
    leave()
    job = Job(
        scene=scene,
        place=places.chosen(),
        order=order,
        title=order.title,
        method=order.method,
        preset=order.preset,
    )
    status.current.job, status.current.problem = job, ""
    preview.forget()
    backend.when_done(backend.client().submit(order), _for(job, _accepted))


def finish_again(before: Job, scene: str, finish: dict[str, Scalar]) -> None:
    """Have the surface of a finished job finished with other options; nothing is trained again."""
    leave()
    job = Job(
        scene=scene,
        place=places.chosen(),
        title=before.title,
        method=before.method,
        preset=before.preset,
    )
    status.current.job, status.current.problem = job, ""
    asked = FinishAgain(request_id=str(uuid.uuid4()), job_id=before.job_id, finish=finish)
    backend.when_done(
        backend.client().request(asked), _for(job, lambda job, reply: _accepted(job, reply.job_id))
    )


def follow(scene: str, job_id: str) -> None:
    """Make a job that the backend already has the current one."""
    leave()
    status.current.job = Job(
        scene=scene, place=places.chosen(), job_id=job_id, stage="Looking for the job"
    )
    preview.forget()
    _watch(status.current.job)


def go_on() -> None:
    """Follow the current job over a connection that was made anew."""
    job = status.current.job
    if job is not None and job.job_id and not backend.client().watches(job.job_id):
        _watch(job)


def leave() -> None:
    """Let go of the current job; the backend goes on with it."""
    job = status.current.job
    if job is not None and job.job_id and backend.is_connected():
        backend.client().unwatch(job.job_id)
    status.current.job = None


def control(action: JobAction) -> None:
    """Ask for something; what comes of it is told by the backend's records."""
    job = status.current.job
    assert job is not None  # the operators' polls see to it
    if job.is_sending and action is JobAction.CANCEL:
        _cancel_order(job)
        return
    reply = backend.client().request(ControlJob(job_id=job.job_id, action=action))
    backend.when_done(reply, _for(job, _deleted if action is JobAction.DELETE else _done))


def delete(job_id: str) -> None:
    """Have a job of the list deleted."""
    job = status.current.job
    if job is not None and job.job_id == job_id:
        control(JobAction.DELETE)
        return
    asked = ControlJob(job_id=job_id, action=JobAction.DELETE)
    backend.when_done(backend.client().request(asked), _told)


def look_from(job: Job, message: LookFrom) -> None:
    """Ask for previews from a point of view."""
    backend.when_done(backend.client().look_from(message), _for(job, _nothing))


def fetch(job: Job) -> None:
    """Fetch what a finished job has left; it waits in the job to be imported."""
    if JOB_ID.fullmatch(job.job_id) is None:  # it will name a folder
        _failed(job, "The backend calls its job by what is no name of a job.")
        return
    job.fetching, job.stage = True, "Fetching the result"
    job.imported_as = job.shown = ""
    backend.when_done(_fetching(job), _for(job, _fetched))


def _fetching(job: Job) -> Future[Any]:
    """By what the method makes: cameras, masks, pictures or a mesh."""
    client = backend.client()
    if makes_mesh(job):
        return client.fetch_result(job.job_id, preferences.frames_folder(job.job_id), _step(job))
    if job.method in status.current.sketchers:
        return client.fetch_candidates(job.job_id, _pictures_of(job))
    folder = preferences.photographs_folder(job.job_id)
    if job.method == alignment.METHOD:
        scene = properties.scene_named(job.scene)
        chosen = job.order.photographs if job.order is not None else alignment.chosen(scene)
        return client.fetch_solved(job.job_id, chosen, folder, preferences.get().command)
    return client.fetch_masks(job.job_id, folder)


def _pictures_of(job: Job) -> Path:
    return preferences.own_folder("candidates") / job.job_id


def _step(job: Job) -> int:
    """Frames for which each picture stands; 0: none was asked for."""
    if job.order is None:  # another file was opened since, or it is somebody else's
        return properties.scene_named(job.scene).frame_step
    return 0 if job.order.path is None else job.order.path.step


def makes_mesh(job: Job) -> bool:
    """False for a job that finds cameras or masks, or draws pictures."""
    current = status.current
    others = (alignment.METHOD, SEGMENT, *current.cutters, *current.sketchers)
    return job.method not in others


def take(came: Came) -> None:
    """Note what the backend says of the current job."""
    job, message = status.current.job, came.message
    if job is None:
        return
    if isinstance(message, Watching):
        _take_summary(job, message.job)
    elif isinstance(message, JobRecorded):
        _take_record(job, message.record, message.state)
    elif isinstance(message, JobProgressed):
        _take_progress(job, message.progress)
    elif isinstance(came.body, Picture):
        job.picture = came.body


def take_sent(sent: Sent) -> None:
    """Note how far an order is on its way."""
    job = status.current.job
    if job is not None and job.order is not None and job.order.order_id == sent.order_id:
        job.stage, job.fraction = sent.stage, sent.fraction


# ------------------------------------------------------------ what comes of it

Then = Callable[[Job, Any], None]


def _for(job: Job, then: Then) -> Callable[[Future[Any]], None]:
    """Call `then` with the result; a failure becomes the job's reason or the panel's problem."""

    def settle(future: Future[Any]) -> None:
        try:
            then(job, future.result())
        except (JobCancelled, CancelledError):
            _end(job, JobState.CANCELLED, "")
        except LightkilnError as error:
            _failed(job, str(error))

    return settle


def _failed(job: Job, reason: str) -> None:
    if job.is_sending:
        _end(job, JobState.FAILED, reason)
    elif job is status.current.job:
        status.current.problem = reason
    job.fetching, job.stage = False, ""


def _accepted(job: Job, job_id: str) -> None:
    job.job_id = job_id
    job.warnings += [] if job.order is None else job.order.notes
    if job.is_over:  # cancelled, but too late for stopping it on its way
        backend.client().request(ControlJob(job_id=job_id, action=JobAction.CANCEL))
    elif job is status.current.job:
        job.state, job.stage = JobState.QUEUED, ""
        if backend.is_connected():
            _watch(job)


def _watch(job: Job) -> None:
    backend.when_done(backend.client().watch(job.job_id), _for(job, _done))


def _cancel_order(job: Job) -> None:
    if job.order is not None:
        job.order.cancelled.set()
    _end(job, JobState.CANCELLED, "")


def _told(future: Future[Any]) -> None:
    """The outcome of something that is not about the current job."""
    error = None if future.cancelled() else future.exception()
    status.current.problem = "" if error is None else str(error)


def _done(_job: Job, _reply: object) -> None:
    status.current.problem = ""


def _nothing(_job: Job, _reply: object) -> None:
    """Only a failure would matter."""


def _deleted(job: Job, _reply: object) -> None:
    if job is status.current.job:
        leave()


def _fetched(job: Job, what: Any) -> None:
    job.fetching, job.stage = False, ""
    if isinstance(what, Solved):
        job.solved = what
    elif isinstance(what, Drawn):
        status.current.drawn, job.imported_as = what, "candidates"
    elif isinstance(what, tuple):
        job.masks = what
    else:
        job.result, job.frames, job.said = what.result, what.frames, what.said


def _end(job: Job, state: JobState, reason: str) -> None:
    job.state, job.reason, job.stage, job.fetching = state, reason, "", False


def _take_summary(job: Job, summary: JobSummary) -> None:
    job.title, job.method, job.preset = summary.title, summary.method, summary.preset
    job.progress = summary.progress or job.progress
    _take_state(job, summary.state, summary.reason)


def _take_progress(job: Job, progress: Progress) -> None:
    job.progress = progress
    for name, value in progress.metrics.items():
        if len(job.curves) < MAX_CURVES or name in job.curves:
            job.curves.setdefault(name, Curve()).add(progress.elapsed, value)


def _take_record(job: Job, record: JobRecord, state: JobState) -> None:
    is_new = record.text not in job.warnings and len(job.warnings) < MAX_WARNINGS
    if record.kind is RecordKind.WARNING and is_new:
        job.warnings.append(record.text)
    reason = record.reason if record.kind is RecordKind.STATE else job.reason
    _take_state(job, state, reason)


def _take_state(job: Job, state: JobState, reason: str) -> None:
    job.state, job.stage, job.reason = state, "", reason
    if state is JobState.SUCCEEDED and not (job.imported or job.fetching or job.waits):
        fetch(job)
