# SPDX-License-Identifier: GPL-3.0-or-later
"""A process for each job on this machine.

The worker is a command in a session and process group of its own. It is told that its owner is
gone by the end of its standard input; on Linux the kernel tells it as well.
It must not know what a job is.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from .devices import Slot

KILL_AFTER = 5.0
"""Seconds between asking a process to terminate and killing it."""


RELEASE_SECONDS = 6.0
"""A worker whose owner goes needs at most 5 s."""


class LocalExecutor:
    """Satisfies `Executor` with child processes."""

    async def find(self, folder: Path) -> None:
        """A worker ends with its owner."""

    async def start(self, folder: Path, slot: Slot) -> LocalWorker:
        with (folder / "log.txt").open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "lightkiln", "worker", str(folder)),
                *("--device", slot.device.kind, "--owned"),
                stdin=PIPE,
                stdout=log,
                stderr=log,
                env=_environment(slot),
                start_new_session=True,
            )
        return LocalWorker(process)


class LocalWorker:
    """Satisfies `WorkerHandle`."""

    def __init__(self, process: Process) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    async def wait(self) -> int:
        return await self._process.wait()

    async def stop(self, grace: float) -> None:
        if not await self._ended_within(grace):
            self._signal(terminate=True)
            await self.kill(KILL_AFTER)

    async def kill(self, grace: float) -> None:
        if not await self._ended_within(grace):
            self._signal(terminate=False)
            await self._process.wait()

    async def release(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        await self.stop(RELEASE_SECONDS)

    async def _ended_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._process.wait()
        return self._process.returncode is not None

    def _signal(self, terminate: bool) -> None:
        with contextlib.suppress(ProcessLookupError):
            if sys.platform == "win32":
                self._process.terminate()
            else:
                number = signal.SIGTERM if terminate else signal.SIGKILL
                os.killpg(self._process.pid, number)


def _environment(slot: Slot) -> dict[str, str]:
    """Ours, without what is a cluster's: its token is none of a worker's business."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {**ours, "CUDA_VISIBLE_DEVICES": slot.visible}
