# SPDX-License-Identifier: GPL-3.0-or-later
"""Histories of a job, drawn by lot: the real queue, store and folder beside a model of them.

People ask whatever they may think of, workers say their last word, are lost or end with the server,
which is started again; another job takes the device and gives it back. After each step the queue
must show what the model expects, and the job's records must tell it without gap or repeat. All of
it lies in memory where a system has a place for that: nobody pulls the plug here.
"""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import sampled_from
from lightkiln.executors import Slot
from lightkiln.jobs.attempt import MAX_LOSSES
from lightkiln.jobs.files import FileStores
from lightkiln.jobs.folder import JobFolder, JobSpec, WorkerEvent, create
from lightkiln.jobs.queue import JobQueue
from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import UnknownJob
from lightkiln_shared.jobs import JobAction, JobState, JobSummary, RecordKind
from lightkiln_shared.messages import Device
from lightkiln_shared.scene import Scene

SLOT = Slot(device=Device(name="a", kind="cpu", memory_mb=1), visible="")
MEMORY = Path("/dev/shm")
SECONDS = 20.0
"""In which the queue must come to where the model is."""
ASKED = tuple(action for action in JobAction if action is not JobAction.DELETE)
A, S = JobAction, JobState


@dataclass
class Model:
    """One job, as a person would explain it."""

    state: JobState = S.QUEUED
    attempt: int = 1
    losses: int = 0
    finish: bool = False
    """Somebody wants the mesh so far."""

    def ask(self, action: JobAction) -> bool:
        """Whether a person may; what it leads to."""
        before = self.state
        match action:
            case A.PAUSE:
                self._go({S.QUEUED: S.PAUSED, S.RUNNING: S.PAUSING})
                return self.state in (S.PAUSING, S.PAUSED)
            case A.RESUME:
                self._go({S.PAUSED: S.QUEUED})
                return self.state in (S.QUEUED, S.RUNNING)
            case A.FINISH:
                self._go({S.RUNNING: S.FINISHING, S.PAUSED: S.QUEUED})
                self.finish |= self.state is not before
                return self.state is not before or before in (S.FINISHING, S.SUCCEEDED)
            case A.CANCEL:
                waits = before in (S.QUEUED, S.PAUSED)
                if not before.is_final:
                    self.state = S.CANCELLED if waits else S.CANCELLING
                return self.state in (S.CANCELLING, S.CANCELLED)
            case _:
                if before in (S.FAILED, S.CANCELLED):
                    self.state, self.losses, self.finish = S.QUEUED, 0, False
                    self.attempt += 1
                return self.state in (S.QUEUED, S.RUNNING)

    def end(self, word: JobState | None, *, orphaned: bool = False) -> None:
        """The worker is gone, with a last word or without one."""
        is_lost = word is None and not orphaned
        if self.state is S.CANCELLING:
            self.state, self.losses = S.CANCELLED, self.losses + is_lost
        elif is_lost and self.losses + 1 == MAX_LOSSES:
            self.state = S.FAILED
        elif word in (None, S.QUEUED):
            self.state = S.PAUSED if self.state is S.PAUSING else S.QUEUED
            self.attempt, self.losses = self.attempt + 1, self.losses + is_lost
        else:
            self.state = word

    def _go(self, ways: dict[JobState, JobState]) -> None:
        self.state = ways.get(self.state, self.state)


class Scripted:
    """Satisfies `WorkerHandle`: it ends when the history says so, and not before."""

    def __init__(self, folder: JobFolder) -> None:
        self.folder = folder
        self._ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, word: JobState | None, reason: str = "") -> None:
        if word is not None:
            event = WorkerEvent(time=0.0, kind=RecordKind.STATE, text=word, reason=reason)
            with self.folder.events.open("ab") as file:
                file.write(to_json(event) + b"\n")
        self._ended.set_result(0)

    async def wait(self) -> int:
        return await asyncio.shield(self._ended)

    async def stop(self, grace: float) -> None:
        await self.wait()

    async def kill(self, grace: float) -> None:
        await self.wait()

    async def release(self) -> None:
        self.end(None)


class Histories(RuleBasedStateMachine):
    """One device; the job, and now and then another that keeps it from the job."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.path = Path(tempfile.mkdtemp(dir=MEMORY if MEMORY.is_dir() else None))
        (self.path / "files").mkdir()
        self.workers: dict[str, Scripted] = {}
        self.told = 0
        self.seen: list[int] = []
        """The numbers of the records that a follower was given."""
        self.other = ""
        """The job that has the device in the job's place."""
        self.loop.run_until_complete(self._open())

    # ------------------------------------------------------------ what `Executor` and `Watcher` are

    async def start(self, folder: Path, slot: Slot) -> Scripted:
        self.workers[folder.name] = Scripted(JobFolder(folder))
        return self.workers[folder.name]

    async def find(self, folder: Path) -> None:
        return None

    def recorded(self, job_id: str) -> None:
        self.told += 1

    def happened(self, event: object, payload: bytes) -> None:
        raise AssertionError("nothing of the kind was shown")

    # ------------------------------------------------------------ what happens

    @initialize()
    def submit(self) -> None:
        self.model, self.seen = Model(), []
        self.job = self._do(self._submit())

    @rule(action=sampled_from(ASKED))
    def ask(self, action: JobAction) -> None:
        allowed = self.model.ask(action)
        assert self._do(self._ask(action)) == allowed

    @rule()
    def delete(self) -> None:
        active = self.model.state.is_active
        assert self._do(self._ask(JobAction.DELETE)) != active
        if not active:
            assert not (self.queue.folder / self.job).exists()
            self.submit()

    @precondition(lambda self: self.model.state.is_active)
    @rule(word=sampled_from([S.SUCCEEDED, S.FAILED, S.PAUSED, S.QUEUED, None]))
    def end(self, word: JobState | None) -> None:
        self.workers.pop(self.job).end(word, "a reason")
        self.model.end(word)

    @precondition(lambda self: self.model.state is S.CANCELLING)
    @rule()
    def obey(self) -> None:
        self.workers.pop(self.job).end(S.CANCELLED)
        self.model.end(S.CANCELLED)

    @precondition(lambda self: not self.model.state.is_active and not self.other)
    @rule()
    def take_the_device(self) -> None:
        self.other = self._do(self._submit())
        self._do(self._until(self._has_begun))

    @precondition(lambda self: bool(self.other))
    @rule()
    def give_the_device_back(self) -> None:
        self._give_back()

    @rule()
    def start_again(self) -> None:
        if self.other:
            self._give_back()
        self._settle()
        self._do(self.queue.close())
        self.workers.clear()
        if self.model.state.is_active:
            self.model.end(None, orphaned=True)
        self._do(self._open())
        self._do(self._follow(self.job))

    # ------------------------------------------------------------ what must be so

    @invariant()
    def the_queue_is_where_the_model_is(self) -> None:
        self._settle()
        folder = self.queue.job_folder(self.job)
        control = folder.read_control()
        assert (self.job in self.workers) == self.model.state.is_active
        assert control.finish == self.model.finish
        if self.model.state.is_active:
            assert control.cancel == (self.model.state is S.CANCELLING)
            assert control.pause == (self.model.state is S.PAUSING) or control.cancel

    @invariant()
    def the_records_tell_it(self) -> None:
        before = self.told
        new = self._do(self.queue.records(self.job, len(self.seen), 1000))
        assert before > 0 or not new
        self.seen += [record.seq for record, _ in new]
        assert self.seen == list(range(1, len(self.seen) + 1))
        told = [r for r, _ in self._do(self.queue.records(self.job, 0, 1000))]
        states = [record.text for record in told if record.kind is RecordKind.STATE]
        retries = [int(record.text) for record in told if record.kind is RecordKind.RETRY]
        assert states[-1] == self.model.state
        assert retries == list(range(2, self.model.attempt + 1))

    def teardown(self) -> None:
        self._do(self.queue.close())
        self.loop.close()
        shutil.rmtree(self.path)

    # ------------------------------------------------------------ how it is done

    async def _open(self) -> None:
        files = FileStores(self.path / "files", 0)
        self.queue = JobQueue(self.path, files, self, (SLOT,))  # type: ignore[arg-type]
        await self.queue.start()

    async def _submit(self) -> str:
        job_id = secrets.token_hex(8)
        spec = JobSpec(job_id=job_id, title="", method="visual-hull", preset="draft")
        create(self.queue.folder / job_id, spec, Scene(views=()), {})
        about = {"title": "", "method": spec.method, "preset": spec.preset, "reason": ""}
        summary = JobSummary(
            job_id=job_id, state=S.QUEUED, progress=None, created=float(self.told), **about
        )
        await self.queue.add(summary, secrets.token_hex(16), "")
        await self._follow(job_id)
        return job_id

    async def _follow(self, job_id: str) -> None:
        self.queue.watch(job_id, self)

    async def _ask(self, action: JobAction) -> bool:
        try:
            await self.queue.control(self.job, action)
        except UnknownJob:
            return False
        return True

    def _give_back(self) -> None:
        self.workers.pop(self.other).end(S.SUCCEEDED)
        self._do(self._until(self._is_free))
        self.other = ""

    def _settle(self) -> None:
        if self.model.state is S.QUEUED and not self.other:
            self.model.state = S.RUNNING
        self._do(self._until(self._is_where_the_model_is))

    async def _is_where_the_model_is(self) -> bool:
        job = await self.queue.ledger.do(self.queue.store.job, self.job)
        found = job.state, job.attempt, job.losses
        working = self.job in self.queue.shares.running, self.job in self.workers
        active = self.model.state.is_active
        expected = self.model.state, self.model.attempt, self.model.losses
        return found == expected and working == (active, active)

    async def _has_begun(self) -> bool:
        return self.other in self.workers

    async def _is_free(self) -> bool:
        return self.other not in self.queue.shares.running

    async def _until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(SECONDS):
            while not await is_so():
                await asyncio.sleep(0.001)

    def _do(self, doing: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(doing)  # type: ignore[arg-type]
