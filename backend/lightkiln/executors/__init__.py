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

    def release(self) -> None:
        """Tell it that its owner goes: it saves what it can and ends within 5 s."""


class Executor(Protocol):
    """Starts `lightkiln worker FOLDER` somewhere."""

    async def start(self, folder: Path, slot: Slot) -> WorkerHandle:
        """Start a worker on a job's folder, with a device of its own."""


__all__ = ["Executor", "Slot", "WorkerHandle"]
