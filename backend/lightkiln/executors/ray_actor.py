# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on the machines of a Ray cluster: an actor that keeps one worker, and a look around.

The actor's worker is the process that would run on the server's machine, started by the same code,
so that a crash of it, a cancel and its orphaning are what they are there. The actor outlives the
server; with the actor, or with its machine, the worker ends.
It must not know jobs, or Ray: the server makes actors and tasks of what stands here.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from lightkiln_shared.messages import Device

from .devices import Slot, find_slots
from .local import LocalExecutor, LocalWorker

LEAVE_AFTER = 600.0
"""Seconds for which an actor whose worker has ended waits for a server that asks how."""
PROOF = "shared-storage"
"""The name of the file that a server writes and every machine reads, and of the answers to it."""


class JobActor:
    """Starts a worker when it is first asked for anything, and passes on what it is asked."""

    def __init__(self, folder: str, kind: str) -> None:
        self._folder = Path(folder)
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "") if kind == "cuda" else ""
        self._slot = Slot(device=Device(name="", kind=kind, memory_mb=0), visible=visible)
        self._starting: asyncio.Task[LocalWorker] | None = None

    async def wait(self) -> int:
        """The worker's exit code, once it has ended."""
        return await (await self._worker()).wait()

    async def stop(self, grace: float) -> int:
        """As `WorkerHandle.stop`; returns the exit code."""
        worker = await self._worker()
        await worker.stop(grace)
        return await worker.wait()

    async def kill(self, grace: float) -> int:
        """As `WorkerHandle.kill`; returns the exit code."""
        worker = await self._worker()
        await worker.kill(grace)
        return await worker.wait()

    async def _worker(self) -> LocalWorker:
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        return await asyncio.shield(self._starting)

    async def _start(self) -> LocalWorker:
        worker = await LocalExecutor().start(self._folder, self._slot)
        self._leaving = asyncio.create_task(_leave_after(worker))
        return worker


async def _leave_after(worker: LocalWorker) -> None:
    await worker.wait()
    await asyncio.sleep(LEAVE_AFTER)
    os._exit(0)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a machine of the cluster says of itself."""

    proof: str
    """What it reads in the folder that should be shared; empty: it cannot."""
    is_guarded: bool
    """It asks whoever talks to it for the cluster's token."""
    devices: tuple[Device, ...]


def look_around(folder: str, node: str) -> Sight:
    """Read what the server wrote, write an answer to it beside, and count the devices."""
    try:
        proof = (Path(folder) / PROOF).read_text(encoding="ascii")
        (Path(folder) / f"{PROOF}.{node}").write_text(proof, encoding="ascii")
    except OSError:
        proof = ""
    return Sight(
        proof,
        os.environ.get("RAY_AUTH_MODE", "").lower() == "token",
        tuple(slot.device for slot in find_slots()),
    )
