# SPDX-License-Identifier: GPL-3.0-or-later
"""Owns the jobs: takes them in, gives them devices, does what their steps ask for.

One job at a time works on a device; whose is next, `shares` says. After a restart, jobs that were
being worked on go on from their last saved state.
It must not know connections: those who follow a job are `Watcher`s.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import LightkilnError, ResourceError, UnknownJob, of_system
from lightkiln_shared.jobs import (
    JobAction,
    JobState,
    JobSummary,
    Priority,
)

from lightkiln.executors import Executor, Slot, WorkerHandle
from lightkiln.executors.devices import chosen

from .attempt import Attempt, recover
from .files import FileStores
from .folder import JobFolder
from .ledger import RETRY_SECONDS, Ledger
from .ranks import num_devices
from .rules import Rules
from .shares import Shares, Work
from .state import TABLE, Effect, Happening
from .store import Change, JobStore, StoredJob
from .view import ACTIVE, JobsView
from .watchers import Watcher, Watchers

_log = logging.getLogger(__name__)
UNFINISHED = tuple(state for state in JobState if not state.is_final)


class JobQueue(JobsView):
    """All jobs of a data folder. Make it, then `start`; `close` lets the workers save.

    `shared`: where the jobs' folders lie if not in the data folder.
    """

    def __init__(
        self,
        folder: Path,
        files: FileStores,
        executor: Executor,
        slots: tuple[Slot, ...],
        rules: Rules | None = None,
        clock: Callable[[], float] = time.time,
        shared: Path | None = None,
    ) -> None:
        self._watchers = Watchers()
        ledger = Ledger(JobStore(folder / "jobs.sqlite"), self._watchers)
        shares = Shares(ledger, slots, rules or Rules(), clock)
        super().__init__((shared or folder) / "jobs", ledger, shares)
        self.folder.mkdir(exist_ok=True)
        self._files, self._executor = files, executor
        self._free = list(slots)
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake = asyncio.Event()

    async def start(self) -> None:
        """Take up what an earlier server left, and begin to work."""
        await self.ledger.do(self._remove_orphans)
        for job in await self.ledger.do(self.store.in_state, *ACTIVE):
            await self._take_up(job)
        self._spawn(self._dispatch())
        self._stir()

    async def close(self) -> None:
        """Let the workers save their states and end; their jobs go on at the next start."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.ledger.close()

    # ------------------------------------------------------------ what people ask

    async def add(
        self, job: JobSummary, request_id: str, owner: str, *, again: bool = False
    ) -> None:
        """Take in a job whose folder is made; it is on disk when this returns."""
        await self.ledger.do(self.store.add, job, request_id, owner, again=again)
        self._stir()

    async def set_priority(self, job_id: str, priority: Priority) -> None:
        """Let a job wait longer or shorter than others; `UnknownJob`."""
        await self.ledger.do(self.store.set_priority, job_id, priority)
        self._stir()

    async def cancel_all(self, owner: str) -> None:
        """Cancel what is unfinished of a client that has gone for good."""
        for job in await self.ledger.do(self.store.in_state, *UNFINISHED):
            if job.owner == owner:
                with contextlib.suppress(UnknownJob):  # over meanwhile
                    await self.control(job.job_id, JobAction.CANCEL)

    async def control(self, job_id: str, action: JobAction) -> None:
        """Do what a person asks; `UnknownJob` if the job cannot."""
        if action is JobAction.DELETE:
            await self._delete(job_id)
            return
        if action is JobAction.RETRY and await self._can(job_id, action):
            await self._ask(job_id, finish=False)
        _, effects = await self.ledger.step(job_id, action)
        for effect in effects:
            await self._perform(job_id, effect)
        self._stir()

    def watch(self, job_id: str, watcher: Watcher) -> None:
        """Let somebody follow a job."""
        self._watchers.add(job_id, watcher)
        self._spawn(self._tell_who_looks(job_id))

    def look_from(self, job_id: str, watcher: Watcher, camera: Camera | None) -> None:
        """Show pictures from this camera."""
        self._watchers.look_from(job_id, watcher, camera)
        self._spawn(self._tell_who_looks(job_id))

    def unwatch(self, job_id: str, watcher: Watcher) -> None:
        """Somebody follows a job no more."""
        self._watchers.remove(job_id, watcher)
        self._spawn(self._tell_who_looks(job_id))

    def is_watched(self, job_id: str) -> bool:
        """True while anybody follows the job."""
        return self._watchers.is_watched(job_id)

    def leave(self, watcher: Watcher) -> None:
        """Somebody is gone."""
        for job_id in self._watchers.followed_by(watcher):
            self.unwatch(job_id, watcher)

    # ------------------------------------------------------------ what is done about it

    async def _perform(self, job_id: str, effect: Effect) -> None:
        if effect is Effect.ASK_PAUSE:
            await self._ask(job_id, pause=True)
        elif effect is Effect.ASK_FINISH:
            await self._ask(job_id, finish=True)
        elif effect is Effect.ASK_CANCEL:
            if job_id in self.shares.running:
                self._spawn(self.shares.running[job_id].attempt.enforce_cancel())
            with contextlib.suppress(OSError):  # the disk is full: then force alone must do
                await self._ask(job_id, cancel=True)

    async def _can(self, job_id: str, action: JobAction) -> bool:
        return ((await self.ledger.do(self.store.job, job_id)).state, action) in TABLE

    async def _tell_who_looks(self, job_id: str) -> None:
        watched, camera = self._watchers.is_watched(job_id), self._watchers.camera(job_id)
        with contextlib.suppress(UnknownJob):  # deleted meanwhile
            await self._ask(job_id, watched=watched, look_from=camera)

    async def _ask(self, job_id: str, **changes: Any) -> None:
        await self.ledger.do(self._write_control, job_id, changes)

    def _write_control(self, job_id: str, changes: dict[str, Any]) -> None:
        folder = self.job_folder(self.store.job(job_id).job_id)
        folder.write_control(replace(folder.read_control(), **changes))

    async def _delete(self, job_id: str) -> None:
        job = await self.ledger.do(self.store.job, job_id)
        if job.state.is_active or job_id in self.shares.running:
            raise UnknownJob(
                "A job that is being worked on cannot be deleted.", hint="Cancel it first."
            )
        await self.ledger.do(self.store.delete, job_id)
        await asyncio.to_thread(self._remove_folder, self.job_folder(job_id))

    async def _dispatch(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                for job in await self.shares.line() if self._free else ():
                    if not await self._start_if_free(job):
                        break
            except ResourceError as error:  # the disk is full: the jobs wait for space
                _log.warning("%s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._stir()

    async def _start_if_free(self, job: StoredJob) -> bool:
        """False: it needs more devices than are free; those that are must wait for it."""
        try:
            free = self.shares.free_slots(job, self._free)
            if not free:
                return True
            slots = chosen(free, await self._num_devices(job))
            if not slots:
                return False
            await self._ask(job.job_id, pause=False, cancel=False)
        except (LightkilnError, OSError) as error:  # its method or its folder has gone meanwhile
            said = of_system(error) if isinstance(error, OSError) else error
            await self.ledger.step(job.job_id, Happening.FAILED, Change(reason=str(said)))
            return True
        started, _ = await self.ledger.step(job.job_id, Happening.STARTED)
        if started.state is JobState.RUNNING:
            self._spawn(self._work(self._begun(started, slots)))
        return True

    async def _num_devices(self, job: StoredJob) -> int:
        return await asyncio.to_thread(num_devices, self.job_folder(job.job_id))

    def _begun(self, job: StoredJob, slots: tuple[Slot, ...]) -> Work:
        """A job on its devices, which are nobody else's now."""
        self._free = [slot for slot in self._free if slot not in slots]
        attempt = Attempt(job, self.job_folder(job.job_id), self.ledger, self._watchers)
        return self.shares.begin(job, slots, attempt)

    async def _work(self, work: Work, found: WorkerHandle | None = None) -> None:
        try:
            await work.attempt.run(self._executor, work.slots, found)
        finally:
            self._free.extend(work.slots)
            await self.shares.end(work)
            self._stir()

    async def _take_up(self, job: StoredJob) -> None:
        """A job that an earlier server left at work: follow its worker, or see how it ended."""
        found = await self._executor.find(self.job_folder(job.job_id).path)
        if found is None:
            self._spawn(self._recover(job))
            return
        free = self.shares.free_slots(job, self._free)
        slots = chosen(free, await self._num_devices(job))
        self._spawn(self._work(self._begun(job, slots), found))

    async def _recover(self, job: StoredJob) -> None:
        await recover(job, self.job_folder(job.job_id), self.ledger)
        self._stir()

    # ------------------------------------------------------------ small things

    def _stir(self) -> None:
        """Something has changed that may let a job begin."""
        self.shares.changed()
        self._wake.set()

    def _remove_orphans(self) -> None:
        """Folders of jobs that were never accepted, or whose deletion was cut short."""
        known = {job.job_id for job in self.store.in_state(*JobState)}
        for path in self.folder.iterdir():
            if path.name not in known:
                self._remove_folder(JobFolder(path))

    def _remove_folder(self, folder: JobFolder) -> None:
        for linked in folder.files.glob("*"):
            self._files.forget(linked)
        shutil.rmtree(folder.path, ignore_errors=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
