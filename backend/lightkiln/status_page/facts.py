# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the box and its jobs, gathered for one showing of a page.

Files are read beside the event loop, which the wire needs. It must not know HTML or who is looking.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections import deque
from dataclasses import dataclass, replace
from pathlib import Path

from lightkiln_shared.errors import UnknownJob
from lightkiln_shared.jobs import (
    JOB_ID,
    Artifact,
    JobAction,
    JobRecord,
    JobState,
    JobSummary,
    RecordKind,
)
from lightkiln_shared.messages import Device

from lightkiln import __version__
from lightkiln.jobs import figures
from lightkiln.jobs.folder import JobFolder
from lightkiln.jobs.state import TABLE
from lightkiln.jobs.store import StoredJob
from lightkiln.server.caller import Services

from . import pictures
from .curves import Curve, curves
from .glimpses import Glimpses
from .words import log_line

MAX_JOBS = 100
MAX_RECORDS = 400
LOG_BYTES = 16 * 1024
"""Of the end of a job's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The machine, and the server on it."""

    name: str
    version: str
    up_seconds: float
    devices: tuple[tuple[Device, int], ...]
    """Each with its free memory, megabytes; 0: not told."""
    disk_total: int
    """Bytes of the disk that the jobs lie on."""
    disk_free: int
    num_connected: int
    """Clients that are paired."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A job in a list."""

    summary: JobSummary
    owner: str
    """What its client is called."""
    picture: str
    """Another word for each picture; empty: there is none."""
    devices: tuple[str, ...] = ()
    """What it is worked on with."""
    curves: tuple[Curve, ...] = ()

    @property
    def can_be_cancelled(self) -> bool:
        return (self.summary.state, JobAction.CANCEL) in TABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything on the first page."""

    box: Box
    working: tuple[Shown, ...]
    waiting: tuple[Shown, ...]
    """Queued or paused; who is next comes first."""
    ended: tuple[Shown, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """Everything on a job's own page."""

    box: Box
    job: Shown
    attempt: int
    records: tuple[JobRecord, ...]
    """Newest first."""
    artifacts: tuple[Artifact, ...]
    log: str
    ended: float
    """Unix seconds; 0: it has not ended."""


class Facts:
    """Asks a running server's services."""

    def __init__(self, services: Services, name: str) -> None:
        self._services, self._name = services, name
        self._glimpses = Glimpses(services.queue)
        self._began = time.monotonic()

    def close(self) -> None:
        """Ask the jobs for nothing more."""
        self._glimpses.close()

    async def overview(self) -> Overview:
        """The box and its newest jobs."""
        jobs = await self._services.queue.of_everybody(MAX_JOBS)
        await self._glimpses.ask(jobs)
        owners = self._owners()
        shown = await asyncio.to_thread(
            lambda: tuple(self._shown(job, owners, job.state.is_active) for job in jobs)
        )
        idle = [each for each in shown if each.summary.state in (JobState.QUEUED, JobState.PAUSED)]
        return Overview(
            box=await self._box(),
            working=tuple(each for each in shown if each.summary.state.is_active),
            waiting=tuple(sorted(idle, key=_turn)),
            ended=tuple(each for each in shown if each.summary.state.is_final),
        )

    async def detail(self, job_id: str) -> Detail:
        """One job; `UnknownJob`."""
        queue = self._services.queue
        job = await self.job(job_id)
        await self._glimpses.ask((job,))
        records = await self._records(job_id)
        shown, log = await asyncio.to_thread(
            lambda: (self._shown(job, self._owners(), True), _tail(self._folder(job_id).log))
        )
        ends = (each.time for each in records if each.kind is RecordKind.STATE)
        return Detail(
            box=await self._box(),
            job=shown,
            attempt=job.attempt,
            records=records,
            artifacts=await queue.artifacts(job_id),
            log=log,
            ended=next(ends, 0.0) if job.state.is_final else 0.0,
        )

    async def picture(self, job_id: str) -> bytes | None:
        """A job's picture, PNG; `UnknownJob`."""
        job = await self.job(job_id)
        return await asyncio.to_thread(pictures.picture, self._folder(job_id), job.state)

    async def cancel(self, job_id: str) -> None:
        """Cancel a job; `UnknownJob` if it has ended, or is not there."""
        await self.job(job_id)
        await self._services.queue.control(job_id, JobAction.CANCEL)

    async def job(self, job_id: str) -> StoredJob:
        """A job by what stands in an address."""
        if not JOB_ID.fullmatch(job_id):
            raise UnknownJob("There is no such job on this backend.")
        queue = self._services.queue
        stored = await queue.ledger.do(queue.store.job, job_id)
        return replace(stored, summary=await queue.summary(job_id))

    async def _records(self, job_id: str) -> tuple[JobRecord, ...]:
        """The newest records, newest first."""
        kept: deque[JobRecord] = deque(maxlen=MAX_RECORDS)
        since = 0
        while found := await self._services.queue.records(job_id, since, MAX_RECORDS):
            kept.extend(record for record, _ in found)
            since = kept[-1].seq
        return tuple(reversed(kept))

    async def _box(self) -> Box:
        services = self._services
        free = await services.free_memory.now()
        disk = await asyncio.to_thread(shutil.disk_usage, services.queue.folder)
        return Box(
            name=self._name,
            version=__version__,
            up_seconds=time.monotonic() - self._began,
            devices=tuple(zip(services.devices, free, strict=True)),
            disk_total=disk.total,
            disk_free=disk.free,
            num_connected=len(services.clients.listed()),
        )

    def _owners(self) -> dict[str, str]:
        listed = self._services.clients.listed()
        return {"": "this machine", **{each.client_id: each.name for each in listed}}

    def _shown(self, job: StoredJob, owners: dict[str, str], with_curves: bool) -> Shown:
        folder = self._folder(job.job_id)
        work = self._services.queue.shares.running.get(job.job_id)
        return Shown(
            summary=job.summary,
            owner=owners.get(job.owner, "a client that is gone"),
            picture=pictures.version(folder, job.state),
            devices=() if work is None else tuple(slot.device.name for slot in work.slots),
            curves=curves(figures.read(folder.figures)) if with_curves else (),
        )

    def _folder(self, job_id: str) -> JobFolder:
        return JobFolder(self._services.queue.folder / job_id)


def _turn(shown: Shown) -> tuple[bool, int, float]:
    """Who has a place in the queue by that place, then who is paused."""
    job = shown.summary
    return job.state is not JobState.QUEUED, job.position, job.created


def _tail(path: Path) -> str:
    """The last lines of a log."""
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, os.SEEK_END) - LOG_BYTES)
            file.seek(start)
            lines = file.read().decode(errors="replace").split("\n")
    except OSError:
        return ""
    return "\n".join(map(log_line, lines[1:] if start else lines)).strip("\n")
