# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's jobs as the list shows them: asked for every few seconds, kept by the backend.

Blender's list wants a collection of its own, so the window manager holds the jobs' ids; all else
stands in `status.current.listed`. Runs on the main thread; nothing is waited for here.
"""

from __future__ import annotations

import time
from concurrent.futures import CancelledError, Future
from pathlib import Path
from typing import Any

import bpy
import bpy.utils.previews
from bpy.props import CollectionProperty, IntProperty
from bpy.types import PropertyGroup, Scene, WindowManager

from . import backend, finish_settings, method_params, preferences, properties, status
from .mailbox import Link
from .said import Said
from .shared.errors import LightkilnError
from .shared.jobs import JobState, JobSummary
from .shared.messages import DescribeJob, JobDescription, ListJobs
from .text_settings import EMBEDDED, PRIOR, kind_of

EVERY = 3.0
"""Seconds from one answer to the next question."""
MAX_PICTURES = 20
"""Of the newest jobs; the others have a plain icon."""


class LightkilnListedJob(PropertyGroup):
    """A line of the list; its `name` is the job's id."""


CLASSES = (LightkilnListedJob,)


class _State:
    def __init__(self) -> None:
        self.due = 0.0
        self.icons: Any = None
        self.pictures: dict[str, str] = {}
        """Names of icons, by job."""
        self.pictured: dict[str, JobState] = {}
        """Jobs whose pictures were asked for, and their states then."""


_state = _State()


def register() -> None:
    WindowManager.lightkiln_jobs = CollectionProperty(type=LightkilnListedJob)
    WindowManager.lightkiln_job_index = IntProperty(
        name="Job", description="The job that the buttons are about"
    )
    _state.icons = bpy.utils.previews.new()


def unregister() -> None:
    global _state
    bpy.utils.previews.remove(_state.icons)
    _state = _State()
    del WindowManager.lightkiln_jobs, WindowManager.lightkiln_job_index


def ask_if_due() -> None:
    """Ask for the list if it is time to."""
    if status.current.link is Link.ONLINE and time.monotonic() >= _state.due:
        _state.due = float("inf")  # until it is answered
        backend.when_done(backend.client().request(ListJobs()), _take)


def clear() -> None:
    """Another backend is used from now on: it has other jobs."""
    status.current.listed = {}
    _state.due = 0.0
    _fill([])


def ask_soon() -> None:
    """Something was done to a job: do not wait for the next turn."""
    _state.due = 0.0


def selected() -> JobSummary | None:
    """The job that is chosen in the list."""
    manager = bpy.context.window_manager
    index = manager.lightkiln_job_index
    if not 0 <= index < len(manager.lightkiln_jobs):
        return None
    return status.current.listed.get(manager.lightkiln_jobs[index].name)


def icon_of(job_id: str) -> int:
    """The icon of a job's picture; 0: it has none."""
    key = _state.pictures.get(job_id)
    return _state.icons[key].icon_id if key is not None else 0


def _take(future: Future[Any]) -> None:
    _state.due = time.monotonic() + EVERY
    try:
        jobs = future.result().jobs
    except (LightkilnError, CancelledError):
        return  # the connection's state is shown elsewhere
    status.current.listed = {job.job_id: job for job in jobs}
    _fill([job.job_id for job in jobs])
    if not backend.is_connected():
        return
    for job in jobs[:MAX_PICTURES]:
        waits = job.job_id not in _state.pictures and not job.state.is_final
        if waits or _state.pictured.get(job.job_id) is not job.state:
            _state.pictured[job.job_id] = job.state
            _ask_for_picture(job.job_id)


def _fill(job_ids: list[str]) -> None:
    manager = bpy.context.window_manager
    lines = manager.lightkiln_jobs
    if [line.name for line in lines] == job_ids:
        return
    chosen = selected()
    lines.clear()
    for job_id in job_ids:
        lines.add().name = job_id
    if chosen is not None and chosen.job_id in job_ids:
        manager.lightkiln_job_index = job_ids.index(chosen.job_id)
    else:
        manager.lightkiln_job_index = 0


def _ask_for_picture(job_id: str) -> None:
    fetching = backend.client().fetch_thumbnail(job_id, preferences.data_folder() / "thumbnails")

    def take(future: Future[Path]) -> None:
        if future.cancelled() or future.exception() is not None:
            return  # a job without a picture is a job too
        path = future.result()
        if path.stem not in _state.icons:
            _state.icons.load(path.stem, str(path), "IMAGE")
        _state.pictures[job_id] = path.stem

    backend.when_done(fetching, take)


def take_settings(job_id: str, scene: str) -> None:
    """Set up a scene as it was for a job of the list."""

    def described(future: Future[Any]) -> None:
        job = _answer(future)
        if job is None:
            return
        if not (_is_of_words(job) and backend.is_connected()):
            _set_up(properties.scene_named(scene), job, None)
            return

        def whole(found: Future[Any]) -> None:
            _set_up(properties.scene_named(scene), job, _words(found))

        backend.when_done(backend.client().fetch_said(job_id), whole)

    backend.when_done(backend.client().request(DescribeJob(job_id=job_id)), described)


def _answer(future: Future[Any]) -> JobDescription | None:
    try:
        job: JobDescription = future.result()
    except CancelledError:
        return None  # disconnected meanwhile
    except LightkilnError as error:
        status.current.problem = str(error)
        return None
    return job


def _words(future: Future[Any]) -> Said | None:
    """The whole prompt, which a job has once something was made; a title has its beginning."""
    try:
        said: Said = future.result()
    except (CancelledError, LightkilnError):
        return None
    return said


def _is_of_words(job: JobDescription) -> bool:
    return job.method in status.current.writers or job.method in status.current.sketchers


def _set_up(scene: Scene, job: JobDescription, words: Said | None) -> None:
    settings = scene.lightkiln
    if not _is_of_words(job):
        settings.method, settings.time_limit = job.method, job.time_limit
        finish_settings.fill(settings.finish, job.finish)
    if job.preset in {name for name, *_ in properties.PRESETS}:
        settings.preset = job.preset
    method_params.set_values(scene, job.method, settings.preset, job.params)
    if _is_of_words(job):
        _say(scene, job, words or Said(text=job.title))
    bpy.ops.ed.undo_push(message="Take Settings of Job")


def _say(scene: Scene, job: JobDescription, words: Said) -> None:
    text = scene.lightkiln.text
    text.prompt, text.negative, text.seed = words.text, words.negative, job.seed
    if job.method in status.current.writers:
        text.method = job.method
        text.color = "TEXTURE" if job.finish.get("texture") else "VERTICES"
    prior = str(job.params.get(PRIOR, EMBEDDED))
    text.prior = kind_of(prior)
    if text.prior != EMBEDDED.upper():
        setattr(text, text.prior.lower(), prior)
