# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the backend's news meets Blender's main thread: `pump`, and the one timer that calls it.

`pump` takes what has come, for at most a few milliseconds; any script may call it too, in a Blender
without a window, where timers never fire (see docs/scripting.md). No Blender data is kept from one
call to the next, except in a slice of work that is closed before undo and load.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from typing import Any

import bpy
from bpy.app.handlers import persistent

from . import (
    backend,
    backends,
    job_list,
    jobs,
    method_params,
    notices,
    places,
    preview,
    preview_mesh,
    properties,
    status,
)
from .mailbox import Came, Link, LinkChanged, Post, Sent, Settled
from .pace import Pace
from .previews import CoarseMesh, Picture
from .shared.errors import LightkilnError
from .shared.messages import ListMethods

BUDGET = 0.010
"""Seconds of the main thread that one tick may take."""
_log = logging.getLogger(__name__)
BUSY_INTERVAL, IDLE_INTERVAL = 0.05, 0.25

_slices: Iterator[None] | None = None
"""The coarse mesh that is being built."""
_newest: tuple[status.Job | None, CoarseMesh] | None = None
"""Whose coarse mesh waits until the one before it is drawn, and that mesh."""
_pace = Pace()
_due = 0.0


def pump(budget: float = BUDGET) -> None:
    """Take the backend's news for `budget` seconds; what is left waits for the next call.

    A large coarse mesh is built over several calls. Importing the finished mesh is one piece of
    work: Blender cannot build a mesh by halves.
    """
    end = time.monotonic() + budget
    changed = False
    while time.monotonic() < end and (post := backend.mailbox.get()) is not None:
        _take(post)
        changed |= not (isinstance(post, Came) and isinstance(post.body, Picture | CoarseMesh))
    _begin_to_build()
    _build_until(end)
    changed |= _import_if_ready()
    _tidy()
    _ask_for_previews()
    job_list.ask_if_due()
    changed |= backends.look()
    notices.tell()
    if _pace.is_at_ease(time.monotonic()) and preview.wants_redraw():
        _pace.began(time.monotonic())
        _redraw("WINDOW")
    if changed:
        _redraw("UI")


def register() -> None:
    bpy.app.timers.register(_tick, first_interval=IDLE_INTERVAL, persistent=True)
    for handlers, handler in _HANDLERS:
        handlers.append(handler)


def unregister() -> None:
    for handlers, handler in _HANDLERS:
        handlers.remove(handler)
    bpy.app.timers.unregister(_tick)
    _stop_building()
    backend.disconnect()
    preview_mesh.remove()
    notices.clear()
    status.current = status.Status()


def _tick() -> float:
    global _due
    _pace.came(_due or time.monotonic(), time.monotonic())
    try:
        pump()
    except Exception as error:  # noqa: BLE001 Blender drops a timer that raises, and all buttons with it
        _log.exception("news could not be taken")
        status.current.problem = f"The extension failed: {type(error).__name__}: {error}"
    job = status.current.job
    interval = BUSY_INTERVAL if job is not None and not job.is_over else IDLE_INTERVAL
    _due = time.monotonic() + interval
    return interval


# ------------------------------------------------------------ taking news


def _take(post: Post) -> None:
    if isinstance(post, LinkChanged):
        _take_link(post)
    elif isinstance(post, Settled):
        post.then(post.future)
    elif isinstance(post, Sent):
        jobs.take_sent(post)
    elif isinstance(post.body, CoarseMesh):
        _keep(post.body)
    else:
        jobs.take(post)


def _take_link(change: LinkChanged) -> None:
    current = status.current
    current.link = change.link
    current.link_error = str(change.error) if change.error else ""
    if change.welcome is not None:
        current.welcome = change.welcome
        if change.address is not None:
            places.answered_at(places.chosen(), change.address)
        backend.when_done(backend.client().request(ListMethods()), _take_methods)
        jobs.go_on()


def _take_methods(future: Future[Any]) -> None:
    try:
        methods = future.result().methods
    except CancelledError:
        return  # disconnected before the answer came
    except LightkilnError as error:
        status.current.problem = str(error)
        return
    status.current.sort(methods)
    method_params.install(methods)


def _keep(mesh: CoarseMesh) -> None:
    global _newest
    _newest = status.current.job, mesh


def _begin_to_build() -> None:
    """Begin with the newest coarse mesh, once Blender had time to draw the one before it."""
    global _slices, _newest
    if _newest is None or not _pace.is_at_ease(time.monotonic()):
        return
    (job, mesh), _newest = _newest, None
    if job is not status.current.job or job is None or job.is_over:
        return
    if not _settings_of(job).show_mesh:
        return
    _stop_building()
    _slices = preview_mesh.update(job.scene, mesh)
    _pace.began(time.monotonic())


def _build_until(end: float) -> None:
    """Do slices of the coarse mesh, one at least: Blender draws all editors anew after a call that
    did some, so a small mesh is built in one."""
    global _slices
    while _slices is not None:
        try:
            next(_slices)
        except (StopIteration, ReferenceError):  # done, or its mesh was taken away by somebody
            _slices = None
        if time.monotonic() > end:
            return


def _stop_building() -> None:
    global _slices
    if _slices is not None:
        _slices.close()
    _slices = None


def _import_if_ready() -> bool:
    """Import what waits, unless the person is editing: then it waits on."""
    job, read = status.current.job, status.current.read
    if (job is None or not job.waits) and read is None:
        return False
    windows = bpy.context.window_manager.windows
    with bpy.context.temp_override(window=windows[0] if windows else None):  # a timer has none
        if bpy.context.mode != "OBJECT":
            return False
        _stop_building()
        bring = bpy.ops.lightkiln.import_result
        if read is not None:
            bring = bpy.ops.lightkiln.add_solve
        elif job.solved is not None:
            bring = bpy.ops.lightkiln.import_solved
        elif job.masks is not None:
            bring = bpy.ops.lightkiln.import_masks
        bring("EXEC_DEFAULT", True)  # True: as one undo step
    return True


def _tidy() -> None:
    """Undo may bring the coarse mesh of a finished job back."""
    job = status.current.job
    if (job is None or job.is_over) and _slices is None and preview_mesh.exists():
        preview_mesh.remove()


def _ask_for_previews() -> None:
    job = status.current.job
    if job is None or job.is_sending or job.is_over or status.current.link is not Link.ONLINE:
        return
    message = preview.wanted(job.job_id, _settings_of(job).show_image)
    if message is not None:
        jobs.look_from(job, message)


def _settings_of(job: status.Job) -> properties.LightkilnSettings:
    return properties.scene_named(job.scene).lightkiln


def _redraw(kind: str) -> None:
    """Draw one kind of the viewports' regions anew: a viewport costs a hundred times what a panel
    does, and half a second without a graphics card."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                for region in area.regions:
                    if region.type == kind:
                        region.tag_redraw()


# ------------------------------------------------------------ other files, undo


@persistent
def _before_data_changes(*_: object) -> None:
    _stop_building()


@persistent
def _after_load(*_: object) -> None:
    """Go on with the job of the file that was opened; its parameters' groups may need filling."""
    if status.current.methods:
        method_params.install(status.current.all_methods())
    scene = properties.scene_named("")
    job_id = scene.lightkiln.job_id
    job = status.current.job
    if job is not None and (job.is_sending or (job.job_id and job.job_id == job_id)):
        return
    jobs.leave()
    if job_id and job_id != scene.lightkiln.imported_job_id:
        backends.go_to_job(scene, job_id)


@persistent
def _before_save(*_: object) -> None:
    """Written here and not on submitting, so that undo cannot make the file forget its job."""
    job = status.current.job
    if job is not None and job.job_id and job.scene in bpy.data.scenes:
        settings = bpy.data.scenes[job.scene].lightkiln
        settings.job_id, settings.job_server = job.job_id, job.place


_HANDLERS = (
    (bpy.app.handlers.load_pre, _before_data_changes),
    (bpy.app.handlers.undo_pre, _before_data_changes),
    (bpy.app.handlers.redo_pre, _before_data_changes),
    (bpy.app.handlers.load_post, _after_load),
    (bpy.app.handlers.save_pre, _before_save),
)
