# SPDX-License-Identifier: GPL-3.0-or-later
"""The line to the backend that a command is about, mended when it breaks.

`lightkiln --backend NAME` means one that was paired with; without it, the server that runs on this
machine. The first connection is made or the reason is told; one that breaks later is made again
with growing pauses, and what was under way is done again, which the backend takes as the same.
It must not know what is asked.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from lightkiln_shared.address import Address
from lightkiln_shared.errors import BackendLost, UnknownJob
from lightkiln_shared.jobs import JOB_ID
from lightkiln_shared.messages import ListJobs, Reply, Request

from lightkiln.server.network import LOOPBACK

from . import known
from .at_home import data_folder, running_in
from .remote import Remote

MIN_PAUSE, MAX_PAUSE = 0.25, 10.0
MAX_BREAKS = 60
"""Breaks in a row, some five minutes of them, after which nothing more is tried."""
STEADY_SECONDS = 10.0
"""A connection that held so long has mended the line."""
MIN_PREFIX = 4
T = TypeVar("T")
R = TypeVar("R", bound=Reply)
Data = Annotated[Path | None, typer.Option(help="Data folder of the server here.")]
Job = Annotated[str, typer.Argument(help="A job's id, or its beginning.", metavar="JOB")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a backend is now, and what opens it."""

    address: Address
    fingerprint: str
    token: str


class Line:
    """To one backend."""

    def __init__(self, locate: Callable[[], Place], command: str) -> None:
        """`command`: what is typed before a job's command to mean this backend."""
        self.command = command
        self._locate = locate
        self._remote: Remote | None = None
        self._breaks, self._since = 0, 0.0
        self._was_open = False

    def do(self, work: Callable[[Remote], T]) -> T:
        """Do something over the line, again if it breaks meanwhile."""
        while True:
            try:
                return work(self._open())
            except BackendLost:
                self.hang_up()
                if not self._was_open or self._breaks == MAX_BREAKS:
                    raise
                ceiling = min(MAX_PAUSE, MIN_PAUSE * 2.0 ** min(self._breaks, 16))
                time.sleep(max(MIN_PAUSE, random.uniform(0.0, ceiling)))
                self._breaks += 1

    def ask(self, request: Request[R]) -> R:
        """The reply to a request."""
        return self.do(lambda remote: remote.ask(request))

    def job_id(self, given: str) -> str:
        """A job's whole id from what was typed: `UnknownJob` unless one job begins like that."""
        if JOB_ID.fullmatch(given):
            return given
        found = [job.job_id for job in self.ask(ListJobs()).jobs if job.job_id.startswith(given)]
        if len(given) < MIN_PREFIX or len(found) != 1:
            raise UnknownJob(
                f"{given!r} means no job, or several.", hint="`lightkiln jobs` lists their ids."
            )
        return found[0]

    def _open(self) -> Remote:
        if self._remote is None:
            place = self._locate()
            self._remote = Remote(place.address, place.fingerprint)
            self._remote.hello(place.token)
            self._was_open, self._since = True, time.monotonic()
        elif time.monotonic() - self._since > STEADY_SECONDS:
            self._breaks = 0
        return self._remote

    def hang_up(self) -> None:
        """End the connection; whatever is asked next makes another one."""
        if self._remote is not None:
            if time.monotonic() - self._since > STEADY_SECONDS:
                self._breaks = 0
            self._remote.close()
            self._remote = None


def chosen(context: typer.Context, data: Path | None = None) -> Line:
    """To the backend that `--backend` names, or else to the server here; ends with the command."""
    line = _chosen(context, data)
    context.call_on_close(line.hang_up)
    return line


def _chosen(context: typer.Context, data: Path | None) -> Line:
    name = backend_of(context)
    if name:
        backend = known.read().named(name)
        place = Place(address=backend.address, fingerprint=backend.fingerprint, token=backend.token)
        return Line(lambda: place, f"lightkiln --backend {name}")

    def here() -> Place:
        home = running_in(data_folder(data))  # a new one has another port
        address = Address(LOOPBACK, home.port)
        return Place(address=address, fingerprint=home.fingerprint, token=home.token)

    return Line(here, "lightkiln")


def backend_of(context: typer.Context) -> str:
    """What `--backend` says; empty: nothing."""
    return str(context.find_root().obj or "")
