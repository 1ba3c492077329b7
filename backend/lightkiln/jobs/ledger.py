# SPDX-License-Identifier: GPL-3.0-or-later
"""The store and the table of states together: every step of a job is one transaction.

All of it happens in one thread, one thing after the other, so that the event loop never waits for a
disk and no two steps of a job can cross. Who follows a job is told after the step is on disk.
It must not know folders or processes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ParamSpec, TypeVar

from lightkiln_shared.errors import ResourceError
from lightkiln_shared.jobs import JobAction, RecordKind

from .state import Effect, Happening, JobEvent, advance
from .store import Change, JobStore, StoredJob
from .watchers import Watchers

RETRY_SECONDS = 2.0
_log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")


class Ledger:
    """The one way to the store."""

    def __init__(self, store: JobStore, watchers: Watchers) -> None:
        self.store = store
        self._watchers = watchers
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store")

    async def do(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call something in the store's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def step(
        self, job_id: str, event: JobEvent, change: Change | None = None
    ) -> tuple[StoredJob, tuple[Effect, ...]]:
        """Let something happen to a job; returns how it stands then and what is to be done."""
        job, effects = await self.do(self._step, job_id, event, change or Change())
        self._watchers.recorded(job_id)
        return job, effects

    async def note(self, job_id: str, change: Change) -> None:
        """Write records that change no state; while the disk is full, again and again."""
        await self._persistently(self.store.apply, job_id, change)
        self._watchers.recorded(job_id)

    async def last_step(self, job_id: str, event: JobEvent, change: Change) -> None:
        """The step that a worker's end leads to: not to be lost, so a full disk is waited out."""
        await self._persistently(self._step, job_id, event, change)
        self._watchers.recorded(job_id)

    def close(self) -> None:
        """Finish what is begun and end."""
        self._thread.shutdown(wait=True)
        self.store.close()

    async def _persistently(
        self, function: Callable[P, object], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        while True:
            try:
                await self.do(function, *args, **kwargs)
            except ResourceError as error:
                _log.warning("%s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    def _step(
        self, job_id: str, event: JobEvent, change: Change
    ) -> tuple[StoredJob, tuple[Effect, ...]]:
        job = self.store.job(job_id)
        state, effects = advance(job.state, event)
        if state is not job.state:
            change = replace(change, state=state, losses=_losses(job, event))
        if Effect.NEW_ATTEMPT in effects:
            retry = RecordKind.RETRY, str(job.attempt + 1), change.reason
            change = replace(change, attempt=job.attempt + 1, records=(*change.records, retry))
        self.store.apply(job_id, change)
        return self.store.job(job_id), effects


def _losses(job: StoredJob, event: JobEvent) -> int | None:
    if event is Happening.LOST:
        return job.losses + 1
    return 0 if event is JobAction.RETRY else None
