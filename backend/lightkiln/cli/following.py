# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker followed in a terminal: a bar, the time left, the figures, and Ctrl-C.

It must not know what the worker was asked to make.
"""

from __future__ import annotations

import asyncio
import signal

import typer
from lightkiln_shared.errors import UserError
from lightkiln_shared.jobs import JobState, RecordKind
from lightkiln_shared.jobs import Progress as JobProgress
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from lightkiln.executors import Slot, WorkerHandle
from lightkiln.executors.local import LocalExecutor
from lightkiln.jobs.folder import Control, JobFolder, WorkerEvent
from lightkiln.jobs.follow import Follower, News

LOOK_EVERY = 0.1
STOP_SECONDS = 2.0
"""A worker that is asked to end has this long before force is used."""
INTERRUPTED = 130
"""The shell's code for a command that Ctrl-C has ended."""
SHOWN_METRICS = {
    "loss": "loss {:.3g}",
    "psnr": "psnr {:.3g}",
    "features": "{:.0f} features",
    "verified_pairs": "{:.0f} pairs",
    "registered": "{:.0f} placed",
    "reprojection_error": "{:.2f} px",
}


async def follow(
    folder: JobFolder, slot: Slot, display: Display, *, may_finish: bool = True
) -> None:
    """Run a worker to its end; raises `UserError` with its reason if it leaves no mesh.

    `may_finish`: Ctrl-C asks for the mesh so far before it stops.
    """
    worker = await LocalExecutor().start(folder.path, slot)
    interrupts = Interrupts(folder, display, may_finish)
    ended = asyncio.ensure_future(worker.wait())
    follower = Follower(folder)
    last_word: WorkerEvent | None = None
    while last_word is None and not interrupts.stop:
        done, _ = await asyncio.wait({ended}, timeout=LOOK_EVERY)
        news = follower.look()
        display.show(news)
        last_word = news.last_word
        if done:
            break
    await _end(worker, interrupts)
    _check(last_word, ended)


class Interrupts:
    """Ctrl-C: the first asks for the mesh so far, the second stops."""

    def __init__(self, folder: JobFolder, display: Display, may_finish: bool) -> None:
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


class Display:
    """The bar while it runs; warnings stay above it. Several runs may share it."""

    def __init__(self, console: Console) -> None:
        self.part = (0.0, 1.0)
        """Where on the bar the run that is followed begins and ends."""
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description:<12}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}{task.fields[figures]}"),
            console=console,
        )
        self._task = self._bar.add_task("starting", total=1.0, left="", figures="")

    def __enter__(self) -> Display:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Write a line above the bar."""
        self._console.print(text)

    def show(self, news: News) -> None:
        """Bring the bar up to date."""
        for event in news.events:
            if event.kind is RecordKind.WARNING:
                self._console.print(f"[yellow]warning:[/] {event.text}")
        if news.progress is not None:
            begin, end = self.part
            self._bar.update(
                self._task,
                description=news.progress.phase,
                completed=begin + (end - begin) * news.progress.fraction,
                left=_left(news.progress.seconds_left),
                figures=_figures(news.progress),
            )


def _left(seconds: float) -> str:
    return "" if seconds < 0.0 else f"{int(seconds) // 60}:{int(seconds) % 60:02} left"


def _figures(progress: JobProgress) -> str:
    known = [name for name in SHOWN_METRICS if name in progress.metrics]
    return "".join(f", {SHOWN_METRICS[name].format(progress.metrics[name])}" for name in known)


async def _end(worker: WorkerHandle, interrupts: Interrupts) -> None:
    if interrupts.stop:
        await worker.kill(STOP_SECONDS)
        raise typer.Exit(INTERRUPTED)
    await worker.stop(STOP_SECONDS)


def _check(last_word: WorkerEvent | None, ended: asyncio.Future[int]) -> None:
    if last_word is None:
        raise UserError(
            f"The worker ended without a word (exit code {ended.result()}).",
            hint="If it was killed, the memory was probably full: use a smaller preset.",
        )
    if last_word.text != JobState.SUCCEEDED:
        raise UserError(last_word.reason)
