# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that a crowd visits: real but for its limits, and for workers that do nothing.

    python -m benchmarks.crowd_server DATA SLOTS

A job succeeds as soon as there is a file DATA/../gate, and not before.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys
import time
from pathlib import Path

from lightkiln.executors import Slot
from lightkiln.executors.devices import cpu
from lightkiln.jobs.folder import JobFolder, WorkerEvent
from lightkiln.server import limits
from lightkiln.server.app import ServerConfig, serve
from lightkiln.server.engine import Engine
from lightkiln_shared.codec import to_json
from lightkiln_shared.jobs import JobState, RecordKind

GATE = "gate"
LOOK_SECONDS = 0.2


class IdleWorker:
    """Satisfies `WorkerHandle` without a process."""

    def __init__(self, folder: JobFolder, gate: asyncio.Event) -> None:
        self._folder, self._gate = folder, gate
        self._work = asyncio.create_task(self._wait_for_the_gate())

    async def wait(self) -> int:
        await asyncio.wait({self._work})
        return 0

    async def stop(self, grace: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self.wait()
        self._work.cancel()

    async def kill(self, grace: float) -> None:
        await self.stop(grace)

    async def release(self) -> None:
        self._work.cancel()

    async def _wait_for_the_gate(self) -> None:
        await self._gate.wait()
        word = WorkerEvent(time=time.time(), kind=RecordKind.STATE, text=JobState.SUCCEEDED)
        self._folder.events.write_bytes(to_json(word) + b"\n")


class IdleExecutor:
    """Satisfies `Executor`."""

    def __init__(self, gate: Path) -> None:
        self._gate = asyncio.Event()
        self._watching = asyncio.create_task(self._watch(gate))

    async def start(self, folder: Path, slot: Slot) -> IdleWorker:
        return IdleWorker(JobFolder(folder), self._gate)

    async def _watch(self, gate: Path) -> None:
        while not gate.exists():
            await asyncio.sleep(LOOK_SECONDS)
        self._gate.set()

    async def find(self, folder: Path) -> None:
        """There is none."""


def main() -> None:
    data, count = Path(sys.argv[1]), int(sys.argv[2])
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    limits.MAX_CONNECTIONS = limits.MAX_STRANGERS = 1_000_000
    slots = tuple(Slot(device=cpu().device, visible=str(number)) for number in range(count))

    def engine(_: str) -> Engine:
        return Engine(executor=IdleExecutor(data.parent / GATE), slots=slots)

    asyncio.run(serve(ServerConfig(data=data, token=sys.stdin.readline().strip(), engine=engine)))


if __name__ == "__main__":
    main()
