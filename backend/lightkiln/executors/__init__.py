# SPDX-License-Identifier: GPL-3.0-or-later
"""Where workers run: what the queue asks of any engine that can run one command.

It must not know jobs' states or the wire.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from .devices import Slot


class WorkerHandle(Protocol):
    """A worker that was started."""

    async def wait(self) -> int:
        """Its exit code, once it has ended; negative: the signal that ended it."""

    async def stop(self, grace: float) -> None:
        """Wait `grace` seconds for it to end by itself, then use force; returns when it is gone."""

    async def kill(self, grace: float) -> None:
        """The same without asking it to save anything: for work that nobody wants any more."""

    async def release(self) -> None:
        """Tell it that its owner goes: it saves what it can and ends; or it goes on alone."""


class Executor(Protocol):
    """Starts `lightkiln worker FOLDER` somewhere."""

    async def start(self, folder: Path, slot: Slot) -> WorkerHandle:
        """Start a worker on a job's folder, with a device of its own."""

    async def find(self, folder: Path) -> WorkerHandle | None:
        """The worker that an earlier owner has started on a folder, if it goes on without it."""


GONE = -1000
"""In place of an exit code: the worker is gone with the machine it ran on."""

__all__ = ["GONE", "Executor", "Slot", "WorkerHandle"]
