# SPDX-License-Identifier: GPL-3.0-or-later
"""One who watches a job stops reading while pictures come at their full rate.

    python -m campaigns.stalled

They wait in the server for him, but not many; the others notice nothing; he is cut off after half a
minute, and when he comes back no record is missing.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from lightkiln_shared.camera import Camera
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob, LookFrom, PreviewImage, WatchJob
from running_server import RunningServer
from wire_client import Client, connected, followed

from campaigns import stage
from campaigns.lean_client import LeanClient, frames
from campaigns.results import expect, keep

CAMERA = Camera(
    world_from_camera=np.eye(4),
    focal=(1000.0, 1000.0),
    principal_point=(640.0, 360.0),
    width=1280,
    height=720,
)
"""Pictures of 3.5 MiB, ten a second at most."""
RATE = 20.0
SECONDS = 45.0
MAX_BUFFER_MB = 8.0
MAX_STAY = 35.0
MAX_SLOWDOWN = 1.2


class Stall:
    """What happened on one server."""

    def __init__(self, server: RunningServer, scene: Path) -> None:
        self._server, self._scene = server, scene
        self._process = psutil.Process(server.process.pid)
        self.cut_after = 0.0
        self.buffer_mb = 0.0

    async def run(self) -> tuple[float, float]:
        """The others' p99 in milliseconds while all read, and while one does not."""
        async with connected(self._server.port, self._server.token) as owner:
            scene = await owner.send_scene(self._scene)
            job_id = await followed(owner, scene, steps=100_000, seconds=0.01)
            async with connected(self._server.port, self._server.token) as watcher:
                await watcher.ask(WatchJob(job_id=job_id))
                await watcher.ask(LookFrom(job_id=job_id, camera=CAMERA))
                await watcher.event(PreviewImage)
                before, _ = await asyncio.gather(self._others(), self._forget(watcher))
                watcher.writer.transport.pause_reading()
                others = asyncio.create_task(self._others())
                await self._until_cut()
                during = await others
                had = [event.record.seq for event in watcher.records(job_id)]
            await owner.ask(ControlJob(job_id=job_id, action=JobAction.CANCEL))
            await owner.until(job_id, "cancelled")
            async with connected(self._server.port, self._server.token) as again:
                await again.ask(WatchJob(job_id=job_id, since=had[-1]))
                await again.until(job_id, "cancelled")
                all_of_them = [*had, *(event.record.seq for event in again.records(job_id))]
        expect(all_of_them == list(range(1, len(all_of_them) + 1)), f"{all_of_them}")
        return before, during

    async def _others(self) -> float:
        client = LeanClient(frames(round(RATE * SECONDS), self._server.token))
        await client.connect(self._server.port)
        await client.ask(RATE, time.monotonic())
        await client.end()
        return 1000 * stage.quantile(client.waits, 0.99)

    async def _forget(self, watcher: Client) -> None:
        """The client of the tests keeps each picture: not here."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            watcher.events = [pair for pair in watcher.events if not pair[1]]
            await asyncio.sleep(0.2)

    async def _until_cut(self) -> None:
        start, connections = time.monotonic(), len(self._process.net_connections())
        memory = self._process.memory_info().rss
        while len(self._process.net_connections()) > connections - 1:
            await asyncio.sleep(0.1)
            grown = (self._process.memory_info().rss - memory) / 2**20
            self.buffer_mb = max(self.buffer_mb, grown)
            if time.monotonic() - start < 3.0:  # the other has come in by now
                connections = len(self._process.net_connections())
            expect(time.monotonic() - start < 2 * MAX_STAY, "he was not cut off")
        self.cut_after = time.monotonic() - start


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        scene = stage.small_scene(Path(folder))
        with stage.server(Path(folder) / "data") as (running,):
            stall = Stall(running, scene)
            before, during = asyncio.run(stall.run())
    expect(stall.cut_after <= MAX_STAY, f"cut after {stall.cut_after:.0f} s")
    expect(stall.buffer_mb <= MAX_BUFFER_MB, f"{stall.buffer_mb:.1f} MiB waited for him")
    expect(during <= max(MAX_SLOWDOWN * before, before + 10.0), f"{before:.0f} to {during:.0f} ms")
    keep(
        "P11",
        cut_after_s=round(stall.cut_after),
        buffer_mib=round(stall.buffer_mb, 1),
        p99_before_ms=round(before),
        p99_during_ms=round(during),
    )


if __name__ == "__main__":
    main()
