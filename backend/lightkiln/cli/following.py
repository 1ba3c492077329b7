# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker of this command's own, followed to its end, and Ctrl-C.

It must not know what the worker was asked to make.
"""

from __future__ import annotations

import asyncio
import signal

import typer
from lightkiln_shared.errors import UserError
from lightkiln_shared.jobs import JobState, RecordKind

from lightkiln.executors import Slot, WorkerHandle
from lightkiln.executors.local import LocalExecutor
from lightkiln.jobs.folder import Control, JobFolder, WorkerEvent
from lightkiln.jobs.follow import Follower, News

from .telling import Telling

LOOK_EVERY = 0.1
STOP_SECONDS = 2.0
"""A worker that is asked to end has this long before force is used."""
INTERRUPTED = 130
"""The shell's code for a command that Ctrl-C has ended."""


async def follow(
    folder: JobFolder, slot: Slot, display: Telling, *, may_finish: bool = True
) -> None:
    """Run a worker to its end; raises `UserError` with its reason if it leaves no mesh.

    `may_finish`: Ctrl-C asks for the mesh so far before it stops.
    """
    interrupts = Interrupts(folder, display, may_finish)
    follower = Follower(folder)
    last_word = await _attempt(folder, slot, follower, interrupts, display)
    while last_word.text == JobState.QUEUED:  # memory was full, and it goes on with less
        last_word = await _attempt(folder, slot, follower, interrupts, display)
    if last_word.text != JobState.SUCCEEDED:
        raise UserError(last_word.reason)


async def _attempt(
    folder: JobFolder, slot: Slot, follower: Follower, interrupts: Interrupts, display: Telling
) -> WorkerEvent:
    """Run one worker to its last word; `UserError` if it leaves none."""
    worker = await LocalExecutor().start(folder.path, slot)
    ended = asyncio.ensure_future(worker.wait())
    last_word: WorkerEvent | None = None
    while last_word is None and not interrupts.stop:
        done, _ = await asyncio.wait({ended}, timeout=LOOK_EVERY)
        news = follower.look()
        _tell(news, display)
        last_word = news.last_word
        if done:
            break
    await _end(worker, interrupts)
    if last_word is None:
        raise UserError(
            f"The worker ended without a word (exit code {ended.result()}).",
            hint="If it was killed, the memory was probably full: use a smaller preset.",
        )
    return last_word


class Interrupts:
    """Ctrl-C: the first asks for the mesh so far, the second stops."""

    def __init__(self, folder: JobFolder, display: Telling, may_finish: bool) -> None:
        self.stop = False
        self._folder, self._display = folder, display
        self._asked = not may_finish
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, *_: object) -> None:
        self.stop = self._asked
        self._asked = True
        self._folder.write_control(Control(finish=True, cancel=self.stop))
        if not self.stop:
            self._display.say("Finishing with what there is so far. Ctrl-C again stops.")
        else:
            self._display.say("Stopped, without a mesh.")


def _tell(news: News, display: Telling) -> None:
    for event in news.events:
        if event.kind is RecordKind.WARNING:
            display.warn(event.text)
    if news.progress is not None:
        display.progress(news.progress)


async def _end(worker: WorkerHandle, interrupts: Interrupts) -> None:
    if interrupts.stop:
        await worker.kill(STOP_SECONDS)
        raise typer.Exit(INTERRUPTED)
    await worker.stop(STOP_SECONDS)
