# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of jobs that nobody follows otherwise: small, seldom, and only while a page is read.

A run is asked for one picture, from where its first photograph was taken, as Blender would ask for
a stream of them; when it has come, or after a while without one, it is asked no more. A job that
somebody follows in Blender is left alone: its newest picture is there anyway.
It must not know how a picture is made or shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace

from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import LightkilnError
from lightkiln_shared.jobs import JobState
from lightkiln_shared.messages import PreviewImage

from lightkiln.jobs.folder import JobFolder
from lightkiln.jobs.queue import JobQueue
from lightkiln.jobs.store import StoredJob
from lightkiln.jobs.watchers import LatestWins

EVERY_SECONDS = 10.0
PATIENCE_SECONDS = 30.0
"""For a picture: it comes between two steps, and a method may have nothing to show yet."""
SIDE = 400
"""Pixels, at most."""


class Glimpses:
    """Asks for pictures of the jobs of a queue."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._asked: dict[str, float] = {}
        """When, on the loop's clock; what is longer ago than `EVERY_SECONDS` is forgotten."""
        self._open: set[_Glimpse] = set()

    async def ask(self, jobs: Iterable[StoredJob]) -> None:
        """Somebody reads of these jobs just now."""
        now = asyncio.get_running_loop().time()
        self._asked = {key: at for key, at in self._asked.items() if now - at < EVERY_SECONDS}
        for job in jobs:
            of_interest = job.state is JobState.RUNNING and job.job_id not in self._asked
            if of_interest and not self._queue.is_watched(job.job_id):
                self._asked[job.job_id] = now
                await self._look(job.job_id)

    async def _look(self, job_id: str) -> None:
        folder = JobFolder(self._queue.folder / job_id)
        camera = await asyncio.to_thread(_first_camera, folder)
        if camera is not None:
            self._queue.look_from(job_id, _Glimpse(self._queue, job_id, self._open), camera)

    def close(self) -> None:
        """Ask no more."""
        for glimpse in tuple(self._open):
            glimpse.end()


class _Glimpse:
    """Satisfies `Watcher` until the first picture."""

    def __init__(self, queue: JobQueue, job_id: str, open_ones: set[_Glimpse]) -> None:
        self._queue, self._job_id, self._open = queue, job_id, open_ones
        self._end = asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self.end)
        self._open.add(self)

    def recorded(self, job_id: str) -> None:
        """Records are read when the page is made."""

    def happened(self, event: LatestWins, payload: bytes) -> None:
        if isinstance(event, PreviewImage):
            self.end()

    def end(self) -> None:
        if self in self._open:
            self._open.discard(self)
            self._end.cancel()
            self._queue.unwatch(self._job_id, self)


def _first_camera(folder: JobFolder) -> Camera | None:
    """Of a job's first view, made small; None where there are photographs without cameras."""
    try:
        views = folder.scene().views
    except (LightkilnError, OSError):  # the job is being deleted
        return None
    return _small(views[0].camera) if views else None


def _small(camera: Camera) -> Camera:
    scale = min(1.0, SIDE / max(camera.width, camera.height))
    width, height = round(camera.width * scale), round(camera.height * scale)
    across, down = width / camera.width, height / camera.height
    return replace(
        camera,
        focal=(camera.focal[0] * across, camera.focal[1] * down),
        principal_point=(camera.principal_point[0] * across, camera.principal_point[1] * down),
        width=width,
        height=height,
    )
