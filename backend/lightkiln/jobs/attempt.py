# SPDX-License-Identifier: GPL-3.0-or-later
"""One worker at work on one job: started, followed, and brought to its end.

It must not know the queue or who is waiting.
"""

from __future__ import annotations

import asyncio
import signal

from lightkiln_shared.errors import MalformedMessage
from lightkiln_shared.jobs import Artifact, JobState, Progress, RecordKind
from lightkiln_shared.messages import JobProgressed

from lightkiln.executors import GONE, Executor, Slot, WorkerHandle
from lightkiln.executors.devices import joined

from . import atomic
from .folder import JobFolder, WorkerEvent
from .follow import Follower, News
from .ledger import Ledger
from .state import Happening
from .store import Change, StoredJob
from .watchers import Watchers

LOOK_EVERY, LOOK_UNWATCHED = 0.05, 0.5
"""Seconds between two looks into a job's folder, while somebody follows it and while nobody does:
a look takes the server about 0.15 ms, and a cluster may have hundreds of jobs at work."""
LINGER_SECONDS = 10.0
"""A worker that has said its last word needs a moment to give everything back."""
CANCEL_SECONDS = 1.0
"""A worker that is asked to cancel has this long to do it by itself: nothing of it is wanted."""
OLD_WORKER_SECONDS = 8.0
"""A worker whose server was killed needs up to 5 s to end."""
MAX_LOSSES = 3
"""Attempts that may end without a word before the job has failed."""


class Attempt:
    """From the start of a worker to the step that its end leads to."""

    def __init__(
        self, job: StoredJob, folder: JobFolder, ledger: Ledger, watchers: Watchers
    ) -> None:
        self.progress: Progress | None = job.summary.progress
        self._job, self._folder = job, folder
        self._ledger, self._watchers = ledger, watchers
        self._handle: WorkerHandle | None = None
        self._is_cancelled = False

    async def run(
        self, executor: Executor, slots: tuple[Slot, ...], found: WorkerHandle | None = None
    ) -> None:
        """Work until the worker is gone; cancelled itself, it lets the worker save its state.

        `found`: the worker that an earlier server has started.
        """
        job_id = self._job.job_id
        try:
            self._handle = found or await executor.start(self._folder.path, joined(slots))
        except OSError as error:
            reason = f"The worker could not be started: {error.strerror or error}."
            await self._ledger.last_step(job_id, Happening.FAILED, Change(reason=reason))
            return
        if self._is_cancelled:
            await self._handle.kill(0.0)
        try:
            news = await self._follow(self._handle)
            await self._handle.stop(LINGER_SECONDS)
        except MalformedMessage as error:  # somebody else has written into the folder
            await self._handle.stop(0.0)
            reason = f"The job's folder is damaged: {error}"
            await self._ledger.last_step(job_id, Happening.FAILED, Change(reason=reason))
            return
        except asyncio.CancelledError:
            await self._handle.release()
            raise
        self._watchers.forget_latest(job_id)
        self._folder.reserve.unlink(missing_ok=True)  # the step needs some of the disk
        event, reason = outcome(self._job, news.last_word, await self._handle.wait())
        await self._ledger.last_step(job_id, event, self._change(news, reason))

    async def enforce_cancel(self) -> None:
        """Use force if the worker does not end by itself; one that is being started, at once."""
        self._is_cancelled = True
        if self._handle is not None:
            await self._handle.kill(CANCEL_SECONDS)

    async def _follow(self, handle: WorkerHandle) -> News:
        """Pass on what comes; returns the last news, which nobody has been told."""
        follower = Follower(self._folder, self._job.events_read)
        gone = asyncio.ensure_future(handle.wait())
        while True:
            is_watched = self._watchers.is_watched(self._job.job_id)
            pause = LOOK_EVERY if is_watched else LOOK_UNWATCHED
            ended, _ = await asyncio.wait({gone}, timeout=pause)
            news = await asyncio.to_thread(follower.look)
            self._show(news)
            if ended or news.last_word is not None:
                gone.cancel()
                return news
            if news.events:
                await self._ledger.note(self._job.job_id, self._change(news))

    def _show(self, news: News) -> None:
        if news.progress is not None:
            self.progress = news.progress
            event = JobProgressed(job_id=self._job.job_id, progress=news.progress)
            self._watchers.happened(event)
        for message, payload in news.previews:
            self._watchers.happened(message, payload)

    def _change(self, news: News, reason: str = "") -> Change:
        return change_of(news, reason, self.progress)


def change_of(news: News, reason: str, progress: Progress | None) -> Change:
    """What the records become."""
    events = [event for event in news.events if event.kind is not RecordKind.STATE]
    return Change(
        records=tuple((event.kind, event.text, event.reason) for event in events),
        reason=reason,
        artifacts=tuple(
            Artifact(name=event.text, size=event.size, sha256=event.sha256)
            for event in events
            if event.kind is RecordKind.ARTIFACT
        ),
        progress=progress,
        events_read=news.events_read,
    )


async def recover(job: StoredJob, folder: JobFolder, ledger: Ledger) -> None:
    """End the attempt that a server left when it was killed, once its worker is gone too."""
    deadline = asyncio.get_running_loop().time() + OLD_WORKER_SECONDS
    while atomic.is_locked(folder.lock) and asyncio.get_running_loop().time() < deadline:
        await asyncio.sleep(0.1)
    news = await asyncio.to_thread(Follower(folder, job.events_read).look)
    event, reason = outcome(job, news.last_word, None)
    await ledger.last_step(job.job_id, event, change_of(news, reason, news.progress))


def outcome(
    job: StoredJob, last_word: WorkerEvent | None, exit_code: int | None
) -> tuple[Happening, str]:
    """How an attempt ended: by the worker's last word, or without one; no exit code: with us."""
    if last_word is not None:
        return Happening(JobState(last_word.text).value), last_word.reason
    if exit_code is None:
        return Happening.ORPHANED, (
            "The worker ended with the server; the job goes on from its last saved state."
        )
    how = _how(exit_code)
    if job.losses + 1 < MAX_LOSSES:
        return Happening.LOST, f"The worker {how}; the job goes on from its last saved state."
    return Happening.FAILED, (
        f"The worker {how}, for the {job.losses + 1}rd time. "
        "Look into log.txt in the job's folder; a smaller preset needs less memory."
    )


def _how(exit_code: int) -> str:
    if exit_code == GONE:
        return "was lost with the machine it ran on"
    if exit_code == -signal.SIGKILL:
        return "was killed, perhaps because the memory was full"
    return f"ended without a word (exit code {exit_code})"
