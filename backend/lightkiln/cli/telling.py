# SPDX-License-Identifier: GPL-3.0-or-later
"""How a command tells what happens: to people on the error output, to programs as lines of JSON.

With `--json` the output has JSON and nothing else: one document, or one line for each event of what
is followed, the last of which says what was written. An error is a document too:
`{"error": {"code", "message", "hint"}}`.
It must not know what is told of.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import typer
from lightkiln_shared.codec import to_plain
from lightkiln_shared.jobs import JobState, JobSummary
from lightkiln_shared.jobs import Progress as JobProgress
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from . import AS_JSON
from .words import left, waiting

PROGRESS_SECONDS = 0.5
"""Between two lines of progress; whatever else happens has a line at once."""
SHOWN_METRICS = {
    "loss": "loss {:.3g}",
    "psnr": "psnr {:.3g}",
    "features": "{:.0f} features",
    "verified_pairs": "{:.0f} pairs",
    "registered": "{:.0f} placed",
    "reprojection_error": "{:.2f} px",
}


def _remember(context: typer.Context, value: bool) -> bool:
    context.meta[AS_JSON] = value
    return value


Json = Annotated[
    bool,
    typer.Option("--json", help="Write JSON, and nothing else, to the output.", callback=_remember),
]


class Telling(Protocol):
    """Whoever wants to know how a job goes."""

    part: tuple[float, float]
    """Where, of the whole, the run that is followed begins and ends."""

    def say(self, text: str) -> None:
        """A sentence; it may have markup of `rich`."""

    def warn(self, text: str) -> None:
        """A job's warning."""

    def state(self, job: JobSummary) -> None:
        """How a job stands."""

    def sending(self, fraction: float) -> None:
        """How much of the files has gone."""

    def progress(self, progress: JobProgress) -> None:
        """How far the run is."""

    def wrote(self, path: Path) -> None:
        """The end: what is there now."""


def print_json(document: Any) -> None:
    """One document on the output; a message is told by its fields."""
    typer.echo(json.dumps(to_plain(document)))


def tell_written(path: Path, *, as_json: bool) -> None:
    """What is there now, where no job was followed."""
    if as_json:
        print_json({"event": "wrote", "path": str(path)})
    else:
        typer.echo(f"Wrote {path}.", err=True)


@contextmanager
def telling(*, as_json: bool, quiet: bool = False) -> Iterator[Telling]:
    """Tell of jobs while it is open; `wrote` may be called afterwards. Quiet: of nothing."""
    if as_json:
        yield Lines(quiet=quiet)
        return
    with Display(Console(stderr=True, highlight=False, quiet=quiet)) as display:
        yield display


class Lines:
    """Satisfies `Telling` with lines of JSON."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.part = (0.0, 1.0)
        self._quiet, self._due = quiet, 0.0

    def say(self, text: str) -> None:
        self._line("note", text=Text.from_markup(text).plain)

    def warn(self, text: str) -> None:
        self._line("warning", text=text)

    def state(self, job: JobSummary) -> None:
        self._line("state", **to_plain(job))

    def sending(self, fraction: float) -> None:
        if self._is_due():
            self._line("sending", fraction=fraction)

    def progress(self, progress: JobProgress) -> None:
        if self._is_due():
            self._line("progress", **to_plain(progress))

    def wrote(self, path: Path) -> None:
        self._line("wrote", path=str(path))

    def _is_due(self) -> bool:
        now = time.monotonic()
        if now < self._due:
            return False
        self._due = now + PROGRESS_SECONDS
        return True

    def _line(self, event: str, **about: Any) -> None:
        if not self._quiet:
            print_json({"event": event, **about})


class Display:
    """Satisfies `Telling` with a bar while it runs; warnings stay above it. Runs may share it."""

    def __init__(self, console: Console) -> None:
        self.part = (0.0, 1.0)
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
        self._console.print(text)

    def warn(self, text: str) -> None:
        self._console.print(f"[yellow]warning:[/] {escape(text)}")

    def state(self, job: JobSummary) -> None:
        begin, end = self.part
        if job.state is JobState.QUEUED:
            self._show(job.state, left=waiting(job), completed=begin)
        elif job.state is JobState.SUCCEEDED:
            self._show(job.state, completed=end)
        elif not job.state.is_active:
            self._bar.update(self._task, description=job.state, left="", figures="")

    def sending(self, fraction: float) -> None:
        self._bar.update(self._task, description="sending", completed=fraction, left="", figures="")

    def progress(self, progress: JobProgress) -> None:
        begin, end = self.part
        self._show(
            progress.phase,
            left=left(progress.seconds_left),
            figures=_figures(progress),
            completed=begin + (end - begin) * progress.fraction,
        )

    def wrote(self, path: Path) -> None:
        self._console.print(f"Wrote {escape(str(path))}.")

    def _show(self, phase: str, *, completed: float, left: str = "", figures: str = "") -> None:
        self._bar.update(
            self._task, description=escape(phase), completed=completed, left=left, figures=figures
        )


def _figures(progress: JobProgress) -> str:
    known = [name for name in SHOWN_METRICS if name in progress.metrics]
    return "".join(f", {SHOWN_METRICS[name].format(progress.metrics[name])}" for name in known)
