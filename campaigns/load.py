# SPDX-License-Identifier: GPL-3.0-or-later
"""64 clients, 50 requests a second each: how long an answer takes, and what that costs.

    python -m campaigns.load

Each asks for its list of jobs, so every answer comes from the database. A request counts from the
moment at which it should have been sent, so a pause of the server or of the clients is not left
out.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

import psutil

from campaigns import stage
from campaigns.lean_client import LeanClient, frames
from campaigns.results import expect, keep

CLIENTS = 64
RATE = 50.0
SECONDS = 30.0
MAX_P99_MS = 100.0
MAX_CPU = 0.5


async def _asked(port: int, token: str) -> list[float]:
    """Every wait, in seconds."""
    said = frames(round(RATE * SECONDS), token)
    clients = [LeanClient(said) for _ in range(CLIENTS)]
    for client in clients:
        await client.connect(port)
    start = time.monotonic() + 0.5
    spread = 1.0 / RATE / CLIENTS
    asking = (client.ask(RATE, start + i * spread) for i, client in enumerate(clients))
    await asyncio.gather(*asking)
    for client in clients:
        await client.end()
    return [wait for client in clients for wait in client.waits]


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        stage.server(Path(folder) / "data") as (running,),
    ):
        process = psutil.Process(running.process.pid)
        before, start = process.cpu_times(), time.monotonic()
        waits = asyncio.run(_asked(running.port, running.token))
        after, took = process.cpu_times(), time.monotonic() - start
    cpu = (after.user + after.system - before.user - before.system) / took
    p50, p99, most = (1000.0 * stage.quantile(waits, q) for q in (0.5, 0.99, 1.0))
    expect(len(waits) == CLIENTS * RATE * SECONDS, f"{len(waits)} answers")
    expect(p99 <= MAX_P99_MS and cpu <= MAX_CPU, f"p99 {p99:.0f} ms, {cpu:.0%} of a core")
    figures = {"p50_ms": round(p50), "p99_ms": round(p99), "most_ms": round(most)}
    keep("P6", answers=len(waits), **figures, cpu_percent=round(100 * cpu))


if __name__ == "__main__":
    main()
