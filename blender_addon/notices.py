# SPDX-License-Identifier: GPL-3.0-or-later
"""A line in the status bar while a job runs, and a word when it has ended.

Neither takes a key or a click from whoever is at work.
It must not know how a job is run.
"""

from __future__ import annotations

import time

import bpy
from bpy.types import Window

from . import preferences, status
from .shared.jobs import JobState
from .status import Job

EVERY = 1.0
"""Seconds between two looks."""


class _State:
    def __init__(self) -> None:
        self.due = 0.0
        self.line: str | None = None
        self.running: Job | None = None
        """The job whose end is still to be told."""


_state = _State()


def tell() -> None:
    """Say what has changed since the last time."""
    now = time.monotonic()
    windows = bpy.context.window_manager.windows
    if bpy.app.background or now < _state.due or not windows:
        return  # in the background there may be a window, but nobody sees it
    _state.due = now + EVERY
    job = status.current.job
    _set_line(line_of(job))
    if job is not None and not job.is_over:
        _state.running = job
    elif _state.running is not None and _is_told(_state.running, windows[0]):
        _state.running = None


def clear() -> None:
    """Give the status bar back to Blender."""
    global _state
    _set_line(None)
    _state = _State()


def line_of(job: Job | None) -> str | None:
    """What the status bar says; None: what it always says."""
    if job is None or job.is_over:
        return None
    if job.is_sending or job.progress is None:
        return f"Lightkiln: {job.stage or 'waiting'}"
    told = job.progress
    left = f", {told.seconds_left / 60.0:.0f} min left" if told.seconds_left >= 60.0 else ""
    return f"Lightkiln: {told.phase}, {told.fraction:.0%}{left}"


def end_of(job: Job) -> str:
    """The last word about a job that has ended; empty: nothing to say, or not yet."""
    if job.method in status.current.sketchers and job.imported:
        return "Lightkiln is done: choose a candidate"
    if job.state is JobState.SUCCEEDED and job.imported:
        return f"Lightkiln is done: {job.imported_as} is in the scene"
    if job.state is JobState.FAILED:
        return f"Lightkiln failed: {job.reason}"
    return ""


def _is_told(job: Job, window: Window) -> bool:
    """True if there is nothing more to say of the job."""
    if job is not status.current.job or job.state is JobState.CANCELLED:
        return True
    end = end_of(job)
    if not end:
        return False
    if preferences.get().notify:
        is_error = job.state is JobState.FAILED
        with bpy.context.temp_override(window=window):
            bpy.ops.lightkiln.notice("INVOKE_DEFAULT", sentence=end, is_error=is_error)
    return True


def _set_line(line: str | None) -> None:
    if line == _state.line:
        return
    _state.line = line
    for workspace in bpy.data.workspaces:
        workspace.status_text_set(line)
