# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server costs for each client and each job: `python -m benchmarks.crowd`.

Thousands of clients and jobs that are simulated visit a real server over loopback and TLS; nothing
is worked on. Processor time and memory are those of the server's process alone. Writes
`docs/benchmarks/crowd.json` and, from all that is known, `crowd.md` and `crowd.png`.
It must not know how the server does it.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import running_server
from lightkiln.jobs.folder import JobFolder
from lightkiln_shared.jobs import Progress
from lightkiln_shared.messages import ListArtifacts, ListJobs, Request, WatchJob
from wire_client import Client, connected, submission

from benchmarks import crowd_page
from benchmarks.crowd_server import GATE
from campaigns import stage

TOKEN = "a token that is long enough for a crowd"
CLIENTS = (0, 250, 1000, 2000)
KNOWN = (10, 1000, 4000)
QUEUED = (0, 500, 1000, 2000, 4000)
ENDING = (100, 500, 1500)
RUNNING = (1, 16, 64, 256)
TELLING = (16, 64, 256)
LIST = ListJobs()
WINDOW = 6.0
"""Seconds in which cost is counted."""
ASK_EVERY = 10.0
"""Seconds between a client's questions, as of a panel that is open."""
PROBE_EVERY = 0.05
AT_A_TIME = 16
"""Clients that come in at once."""
DONE = 100
"""Jobs whose end is waited for."""


class Server:
    """A server's process, and what it has cost."""

    def __init__(self, folder: Path, slots: int) -> None:
        self.data, self.gate = folder / "data", folder / GATE
        words = [sys.executable, "-m", "benchmarks.crowd_server", str(self.data), str(slots)]
        with (folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=running_server.environment(),
            )
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(TOKEN + "\n")
        self._process.stdin.flush()
        self.port = int(json.loads(self._process.stdout.readline())["port"])
        self._about = psutil.Process(self._process.pid)

    def cpu(self) -> float:
        """Seconds of processor so far."""
        times = self._about.cpu_times()
        return float(times.user + times.system)

    def memory(self) -> float:
        """Resident, KiB."""
        return float(self._about.memory_info().rss / 1024)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


@asynccontextmanager
async def served(slots: int = 1, clients: int = 0) -> AsyncIterator[tuple[Server, Client, str]]:
    """A server that knows some paired clients, the owner's connection, and a scene that it has."""
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        folder = Path(name)
        scene = stage.small_scene(folder)
        (folder / "data").mkdir()
        (folder / "data" / "clients.json").write_text(json.dumps({"clients": _paired(clients)}))
        server = Server(folder, slots)
        try:
            async with connected(server.port, TOKEN) as client:
                yield server, client, await client.send_scene(scene)
        finally:
            server.end()


def _paired(count: int) -> list[dict[str, Any]]:
    return [
        {
            "info": {"client_id": f"{n:016x}", "name": f"c{n}", "paired": 1.0, "last_seen": 1.0},
            "token_sha256": hashlib.sha256(f"{TOKEN}{n}".encode()).hexdigest(),
        }
        for n in range(count)
    ]


async def timed(client: Client, waits: list[float], request: Request[Any] = LIST) -> None:
    """Ask for something, and note the milliseconds."""
    start = time.monotonic()
    await client.ask(request)
    waits.append(1000.0 * (time.monotonic() - start))


async def probed(
    server: Server, client: Client, seconds: float = WINDOW, request: Request[Any] = LIST
) -> dict[str, float]:
    """What the server costs while one client asks again and again, and how long that waits."""
    waits: list[float] = []
    before, start = server.cpu(), time.monotonic()
    while time.monotonic() - start < seconds:
        await timed(client, waits, request)
        await asyncio.sleep(PROBE_EVERY)
    return {**_load(server, before, start), **quantiles(waits)}


def quantiles(waits: list[float]) -> dict[str, float]:
    """The middle and the 99th of a hundred, ms."""
    return {f"p{q}_ms": round(stage.quantile(waits, q / 100.0), 1) for q in (50, 99)}


def _load(server: Server, before: float, start: float) -> dict[str, float]:
    share = (server.cpu() - before) / (time.monotonic() - start)
    return {"cpu_percent": round(100.0 * share, 1), "memory_mib": round(server.memory() / 1024)}


# ------------------------------------------------------------ what is measured


async def clients() -> list[dict[str, float]]:
    """More and more are connected; each asks now and then."""
    rows: list[dict[str, float]] = []
    async with served() as (server, owner, _):
        crowd: list[Any] = []
        visitors: list[Client] = []
        for count in CLIENTS:
            before, missing = server.cpu(), count - len(visitors)
            for _ in range(0, missing, AT_A_TIME):
                coming = [connected(server.port, TOKEN) for _ in range(AT_A_TIME)]
                visitors += await asyncio.gather(*(each.__aenter__() for each in coming))
                crowd += coming
            hello = 1000.0 * (server.cpu() - before) / max(missing, 1)
            waits: list[float] = []
            asking = [asyncio.create_task(_now_and_then(each, waits)) for each in visitors]
            row = await probed(server, owner)
            for task in asking:
                task.cancel()
            await asyncio.gather(*asking, return_exceptions=True)
            rows.append({"clients": len(visitors), "hello_ms": round(hello, 2), **row})
        await asyncio.gather(*(each.__aexit__(None, None, None) for each in crowd))
    return rows


async def _now_and_then(client: Client, waits: list[float]) -> None:
    await asyncio.sleep(ASK_EVERY * (hash(id(client)) % 1000) / 1000.0)
    while True:
        await timed(client, waits)
        await asyncio.sleep(ASK_EVERY)


async def known() -> list[dict[str, float]]:
    """One client comes and goes where many are paired: each hello looks for its token."""
    rows = []
    for count in KNOWN:
        async with served(clients=count) as (server, _, _):
            before, start, hellos = server.cpu(), time.monotonic(), 50
            for number in range(hellos):
                async with connected(server.port, f"{TOKEN}{number % count}"):
                    pass
            spent, took = server.cpu() - before, time.monotonic() - start
            each = {"hello_cpu_ms": spent, "hello_ms": took}
            rows.append(
                {"known": count, **{k: round(1000 * v / hellos, 1) for k, v in each.items()}}
            )
    return rows


async def queued() -> list[dict[str, float]]:
    """More and more jobs are submitted, and none begins but the first."""
    rows: list[dict[str, float]] = []
    async with served() as (server, owner, scene):
        there = 0
        for count in QUEUED:
            before, disk, waits = server.cpu(), _bytes(server.data), []
            memory = server.memory()
            for _ in range(count - there):
                start = time.monotonic()
                await owner.ask(submission(scene, request_id=str(uuid.uuid4())))
                waits.append(1000.0 * (time.monotonic() - start))
            new = max(count - there, 1)
            there = count
            row = {
                "queued": count,
                "submit_cpu_ms": round(1000.0 * (server.cpu() - before) / new, 2),
                "job_kib": round((server.memory() - memory) / new, 2),
                "job_disk_kib": round((_bytes(server.data) - disk) / new / 1024, 1),
            }
            row |= {f"submit_{k}": v for k, v in quantiles(waits or [0.0]).items()}
            rows.append(row | await probed(server, owner, WINDOW / 2))
    return rows


async def ending() -> list[dict[str, float]]:
    """Jobs end as fast as the server lets them, with more and more behind them in the line."""
    rows = []
    for count in ENDING:
        async with served(slots=8) as (server, owner, scene):
            for _ in range(count):
                await owner.ask(submission(scene, request_id=str(uuid.uuid4())))
            before, start = server.cpu(), time.monotonic()
            server.gate.touch()
            done = 0
            while done < DONE:
                await asyncio.sleep(0.05)
                done = sum(path.stat().st_size > 0 for path in _events(server))
            row = {"queued": count, "jobs_per_second": done / (time.monotonic() - start)}
            row["cpu_ms"] = 1000.0 * (server.cpu() - before) / done
            rows.append({key: round(value, 1) for key, value in row.items()})
    return rows


def _events(server: Server) -> list[Path]:
    return list((server.data / "jobs").glob("*/events.jsonl"))


async def running(counts: tuple[int, ...] = RUNNING, hertz: float = 0.0) -> list[dict[str, float]]:
    """Jobs are at work that say nothing; or they tell how far they are, and somebody follows."""
    rows = []
    for count in counts:
        async with served(slots=max(count, 1)) as (server, owner, scene):
            for _ in range(count):
                accepted = await owner.ask(submission(scene, request_id=str(uuid.uuid4())))
                if hertz:
                    await owner.ask(WatchJob(job_id=accepted.job_id))
            await asyncio.sleep(1.0)
            telling = asyncio.create_task(_tell(server, hertz)) if hertz else None
            row = await probed(server, owner, request=ListArtifacts(job_id=accepted.job_id))
            if telling is not None:
                telling.cancel()
                with suppress(asyncio.CancelledError):
                    await telling
            rows.append({"running": count, **row})
    return rows


async def telling() -> list[dict[str, float]]:
    """The same for jobs that tell ten times a second how far they are, to a client."""
    return await running(TELLING, 10.0)


async def _tell(server: Server, hertz: float) -> None:
    folders = [JobFolder(path) for path in (server.data / "jobs").iterdir()]
    for step in range(10**9):
        start = time.monotonic()
        said = Progress(
            phase="x", step=step, num_steps=10**9, fraction=0.5, elapsed=1.0, seconds_left=1.0
        )
        for each in folders:
            await asyncio.to_thread(each.write_progress, said)
        await asyncio.sleep(max(0.0, 1.0 / hertz - (time.monotonic() - start)))


def _bytes(folder: Path) -> float:
    """Of the disk, links counted once."""
    seen = {}
    for path in folder.rglob("*"):
        about = path.lstat()
        seen[about.st_ino] = 512 * about.st_blocks
    return float(sum(seen.values()))


PARTS: dict[str, Callable[[], Coroutine[Any, Any, list[dict[str, float]]]]] = {
    "clients": clients,
    "known": known,
    "queued": queued,
    "ending": ending,
    "running": running,
    "telling": telling,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--what", nargs="*", choices=tuple(PARTS), default=tuple(PARTS))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for what in parser.parse_args().what:
        crowd_page.keep(what, asyncio.run(PARTS[what]()))


if __name__ == "__main__":
    main()
