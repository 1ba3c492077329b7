# SPDX-License-Identifier: GPL-3.0-or-later
"""A server in use for minutes or hours keeps its size: `python -m campaigns.soak`.

One client after the other connects, sends files, has jobs done, looks at them, cancels some,
deletes them and goes, while fifteen others look on; every two minutes a worker is killed. Between
two clients the server's memory, open files and threads are noted, and the files in its folder. The
campaign fails if the last quarter is above the second by more than noise; the first is the time in
which Python's own pools fill.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil
from lightkiln_shared.errors import UnknownJob
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob, JobProgressed, ListJobs, PreviewMesh, WatchJob
from running_server import RunningServer
from wire_client import Client, connected, followed

from campaigns import stage
from campaigns.results import Deadline, asked_for, expect, keep

ONLOOKERS = 15
KILL_EVERY = 120.0
MAX_LOG_MB = 64.0
"""Of the database, beside it."""
UPLOAD = 4 * 1024**2
MAX_GROWTH_MB = 8.0


@dataclass(frozen=True)
class Size:
    """The server between two clients."""

    memory_mb: float
    open_files: int
    threads: int
    files: int
    """In its data folder."""
    log_mb: float
    """The database's write-ahead log."""


def main() -> None:
    deadline = asked_for(__doc__.splitlines()[0])
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        scene = stage.small_scene(Path(folder))
        with stage.server(Path(folder) / "data") as (running,):
            sizes, kills = asyncio.run(_visits(running, scene, deadline))
    before, after = _quarter(sizes, 1), _quarter(sizes, 3)
    growth = after.memory_mb - before.memory_mb
    sys.stdout.write(f"{before}\n{after}\n")
    if growth > MAX_GROWTH_MB or after.open_files > before.open_files or after.files > before.files:
        sys.exit(f"the server grows: {sizes}")
    log = max(size.log_mb for size in sizes)
    expect(log <= MAX_LOG_MB, f"the database's log has {log:.0f} MB")
    figures = {"clients": len(sizes), "jobs": 3 * len(sizes), "growth_mb": round(growth, 1)}
    figures |= {"memory_mb": round(after.memory_mb), "open_files": after.open_files}
    keep("C11", minutes=deadline.minutes, kills=kills, log_mb=round(log, 1), **figures)


async def _visits(server: RunningServer, scene: Path, deadline: Deadline) -> tuple[list[Size], int]:
    """The server after each client, and how many workers were killed meanwhile."""
    others = [asyncio.create_task(_look_on(server)) for _ in range(ONLOOKERS)]
    killed: list[int] = []
    killing = asyncio.create_task(_kill(server, killed))
    sizes: list[Size] = []
    while not deadline.has_come or len(sizes) < 8:
        await _visit(server, scene)
        sizes.append(_size(server))
    for task in (killing, *others):
        task.cancel()
    ended = await asyncio.gather(killing, *others, return_exceptions=True)
    failed = [end for end in ended if isinstance(end, Exception)]
    expect(not failed, f"{failed}")
    return sizes, len(killed)


async def _look_on(server: RunningServer) -> None:
    """Follow whatever is new, and keep nothing of it."""
    async with connected(server.port, server.token) as client:
        while True:
            for job in (await client.ask(ListJobs())).jobs[:1]:
                with contextlib.suppress(UnknownJob):  # deleted meanwhile
                    await client.ask(WatchJob(job_id=job.job_id))
            await asyncio.sleep(2.0)
            client.events.clear()


async def _kill(server: RunningServer, killed: list[int]) -> None:
    while True:
        await asyncio.sleep(KILL_EVERY)
        for worker in stage.workers(server.data)[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.kill()
                killed.append(worker.pid)


async def _visit(server: RunningServer, scene: Path) -> None:
    """What one client does: three jobs, of which one is cancelled."""
    async with connected(server.port, server.token) as client:
        await client.upload(os.urandom(UPLOAD))
        sent = await client.send_scene(scene)
        await _watched(client, await followed(client, sent, steps=50))
        stopped = await followed(client, sent, steps=100_000)
        await client.event(JobProgressed, lambda e: e.job_id == stopped and e.progress.step > 2)
        await client.ask(ControlJob(job_id=stopped, action=JobAction.CANCEL))
        await client.until(stopped, "cancelled")
        broken = await followed(client, sent, preset="draft", ending="bug")
        await client.until(broken, "failed")
        for job in (await client.ask(ListJobs())).jobs:
            await client.ask(ControlJob(job_id=job.job_id, action=JobAction.DELETE))
    for path in (server.data / "files").glob("*"):  # uploads that no job wants stay for a client
        path.unlink()


async def _watched(client: Client, job_id: str) -> None:
    await client.event(PreviewMesh, lambda e: e.job_id == job_id)
    await client.until(job_id, "succeeded")
    await client.artifact(job_id, "mesh.ply")


def _size(server: RunningServer) -> Size:
    process, log = psutil.Process(server.process.pid), server.data / "jobs.sqlite-wal"
    return Size(
        memory_mb=process.memory_info().rss / 1e6,
        open_files=process.num_fds(),
        threads=process.num_threads(),
        files=sum(path.is_file() for path in server.data.rglob("*")),
        log_mb=log.stat().st_size / 1e6 if log.exists() else 0.0,
    )


def _quarter(sizes: Sequence[Size], index: int) -> Size:
    """The median of the sizes in the quarter of that index."""
    quarter = sizes[index * len(sizes) // 4 : (index + 1) * len(sizes) // 4]
    return Size(
        memory_mb=statistics.median(size.memory_mb for size in quarter),
        open_files=round(statistics.median(size.open_files for size in quarter)),
        threads=round(statistics.median(size.threads for size in quarter)),
        files=round(statistics.median(size.files for size in quarter)),
        log_mb=max(size.log_mb for size in quarter),
    )


if __name__ == "__main__":
    main()
