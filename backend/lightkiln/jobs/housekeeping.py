# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients take of the disk: counted, bounded, and given back when it is old or they are gone.

    over for `keep_days`           a client's job is deleted, unless it is kept
    more than `disk_gib` to come   its oldest jobs that are over and not kept go first; then no more
    unused for a week              a file that no job has goes
    a client sent away             all its jobs and files

The owner's jobs are never touched. It must not know connections or messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import time
from collections.abc import Coroutine, Iterable
from pathlib import Path
from typing import Any

from lightkiln_shared.errors import LightkilnError, OverQuota, UnknownJob
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.sharing import Taken

from .files import PARTS_KEPT, FileStores
from .queue import JobQueue
from .rules import Rules

GIB = 1024.0**3
DAY = 24 * 3600.0
SWEEP_SECONDS = 3600.0
FRESH_SECONDS = 5.0
"""For so long a client's disk is not counted again; what comes meanwhile is added."""
UNUSED_SECONDS = 3600.0
"""A file that was offered within this may belong to a job that is about to come."""
PATIENCE = 30.0
"""Seconds that the work of a client that was sent away may take to end."""
ALL = 1_000_000_000
_log = logging.getLogger(__name__)


class Housekeeping:
    """Of one data folder. `start` it; `close` it before the queue."""

    def __init__(self, queue: JobQueue, files: FileStores, rules: Rules) -> None:
        self.rules = rules
        self._queue, self._files = queue, files
        self._counted: dict[str, tuple[float, int]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Sweep now and every hour."""
        self._spawn(self._sweep_for_ever())

    async def close(self) -> None:
        """What was begun is taken up by the next server's sweep."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def taken(self, owner: str) -> Taken:
        """What a client takes now."""
        queue = self._queue
        return Taken(
            unfinished=await queue.ledger.do(queue.store.num_unfinished, owner),
            running=sum(work.job.owner == owner for work in queue.shares.running.values()),
            device_seconds=await queue.shares.used(owner),
            disk_bytes=await self._disk_bytes(owner),
        )

    async def admit_job(self, owner: str) -> None:
        """`OverQuota` if a client has as many unfinished jobs as it may."""
        if not owner:
            return
        store = self._queue.store
        if await self._queue.ledger.do(store.num_unfinished, owner) >= self.rules.unfinished_jobs:
            raise OverQuota(
                f"You have {self.rules.unfinished_jobs} jobs here that are not over yet.",
                hint="Wait for one of them, or cancel one.",
            )
        jobs = await self._queue.ledger.do(store.disposable, owner)
        for job in jobs[: max(0, len(jobs) + 1 - self.rules.finished_jobs)]:
            await self._delete(job.job_id)

    async def keep(self, job_id: str, owner: str, *, kept: bool) -> None:
        """Spare a client's job, or no longer; `OverQuota` if it keeps as many as it may."""
        store, most = self._queue.store, self.rules.finished_jobs
        if kept and owner and await self._queue.ledger.do(store.num_kept, owner) >= most:
            raise OverQuota(f"You keep {most} jobs already.", hint="Delete one of them.")
        await self._queue.ledger.do(store.set_kept, job_id, kept)

    async def admit_bytes(self, owner: str, size: int) -> None:
        """Make room for what a client sends; `OverQuota` if it may not take that much."""
        limit = int(self.rules.disk_gib * GIB)
        if not owner or await self._disk_bytes(owner) + size <= limit:
            return
        await self._make_room(owner, limit - size)
        if await self._disk_bytes(owner) + size > limit:
            raise OverQuota(
                f"Your jobs and files here may take {limit / GIB:.3g} GiB in all: "
                f"{size / GIB:.3g} GiB more do not fit.",
                hint="Delete jobs that you need no more, or ask the backend's owner for room.",
            )

    def received(self, owner: str, size: int) -> None:
        """So many bytes have come since the disk was counted."""
        if owner in self._counted:
            due, count = self._counted[owner]
            self._counted[owner] = due, count + size

    def forget_client(self, owner: str) -> None:
        """Begin to remove all that a client has left that was sent away."""
        self._spawn(self._forget_now(owner))

    async def sweep(self) -> None:
        """Delete what is old."""
        store, now = self._queue.store, time.time()
        if self.rules.keep_days > 0.0:
            old = now - self.rules.keep_days * DAY
            for job in await self._queue.ledger.do(store.disposable, None, old):
                await self._delete(job.job_id)
        for owner in self._files.owners():
            await asyncio.to_thread(self._files.of(owner).drop_unused, PARTS_KEPT)

    async def _sweep_for_ever(self) -> None:
        while True:
            with contextlib.suppress(OSError, LightkilnError):  # a full disk: the next one will do
                await self.sweep()
            await asyncio.sleep(SWEEP_SECONDS)

    async def _make_room(self, owner: str, limit: int) -> None:
        """Delete what nobody needs of a client's, until it takes `limit` bytes or all is gone."""
        await asyncio.to_thread(self._files.of(owner).drop_unused, UNUSED_SECONDS)
        self._counted.pop(owner, None)
        for job in await self._queue.ledger.do(self._queue.store.disposable, owner):
            if limit < 0 or await self._disk_bytes(owner) <= limit:
                return
            await self._delete(job.job_id)
            self._counted.pop(owner, None)

    async def _delete(self, job_id: str) -> None:
        with contextlib.suppress(UnknownJob):  # deleted or tried again meanwhile
            await self._queue.control(job_id, JobAction.DELETE)
            _log.info("deleted job %s, which was over", job_id)

    async def _forget_now(self, owner: str) -> None:
        try:
            await self._forget_client(owner)
        except (OSError, LightkilnError) as error:  # the sweep takes its jobs when they are old
            _log.warning("what %s has left could not all be removed: %s", owner, error)

    async def _forget_client(self, owner: str) -> None:
        queue, store = self._queue, self._queue.store
        await queue.cancel_all(owner)
        deadline = time.monotonic() + PATIENCE
        while await queue.ledger.do(store.num_unfinished, owner) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        for job in await queue.newest(ALL, owner):
            await self._delete(job.job_id)
        await queue.ledger.do(store.forget_owner, owner)
        await asyncio.to_thread(self._files.remove, owner)
        self._counted.pop(owner, None)

    async def _disk_bytes(self, owner: str) -> int:
        due, count = self._counted.get(owner, (0.0, 0))
        if time.monotonic() >= due:
            jobs = await self._queue.ledger.do(self._queue.store.newest, ALL, owner)
            folders = [self._queue.folder / job.job_id for job in jobs]
            folders.append(self._files.of(owner).folder)
            count = await asyncio.to_thread(disk_bytes, folders)
            self._counted[owner] = time.monotonic() + FRESH_SECONDS, count
        return count

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def disk_bytes(folders: Iterable[Path]) -> int:
    """Bytes of all files below some folders; one that has several names counts once."""
    sizes: dict[tuple[int, int], int] = {}
    for folder in folders:
        for parent, _, names in os.walk(folder):
            for name in names:
                with contextlib.suppress(OSError):  # it has gone meanwhile
                    found = os.stat(os.path.join(parent, name), follow_symlinks=False)  # noqa: PTH116, PTH118 half the time of a Path, for tens of thousands of files
                    sizes[found.st_dev, found.st_ino] = found.st_size
    return sum(sizes.values())
