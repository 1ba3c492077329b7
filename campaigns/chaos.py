# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers and workers are killed at random moments, and no accepted job is lost.

    python -m campaigns.chaos

A client orders one job after the other, as often as it must: an order whose answer was lost is
repeated. Meanwhile SIGKILL meets the server or a worker every now and then. In the end each order
has become one job, each job has come to an end, its records are numbered without gap or repeat, and
one of them is terminal.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import tempfile
import uuid
from collections import Counter
from pathlib import Path

import psutil
import running_server
from lightkiln_shared.jobs import JobRecord
from lightkiln_shared.messages import ListJobs, WatchJob
from running_server import RunningServer
from wire_client import Client, connected, submission

from campaigns import stage
from campaigns.results import Deadline, asked_for, expect, keep

CALM = (0.2, 5.0)
"""Seconds between two kills, at least and at most."""
ORDER_EVERY = 2.0
MAX_WAITING = 4
SETTLE_SECONDS = 300.0
LOST = (OSError, TimeoutError, EOFError)


class Chaos:
    """One campaign."""

    def __init__(self, held: list[RunningServer], scene: Path, deadline: Deadline) -> None:
        self.orders: dict[str, str] = {}
        """Request ids, and the jobs that they were answered with."""
        self.kills: Counter[str] = Counter()
        self._held, self._scene, self._deadline = held, scene, deadline
        self._rng = random.Random()

    async def run(self) -> list[list[JobRecord]]:
        """Kill and order until the deadline; returns every job's records."""
        killing = asyncio.create_task(self._kill())
        while not self._deadline.has_come:
            with contextlib.suppress(*LOST):
                await self._order()
        await killing
        return await self._settled()

    async def _order(self) -> None:
        """Order one more job if not many wait; an order without an answer is repeated first."""
        async with connected(self._held[0].port, self._held[0].token) as client:
            scene = await client.send_scene(self._scene)
            while not self._deadline.has_come:
                unanswered = [name for name, job in self.orders.items() if not job]
                request_id = unanswered[0] if unanswered else str(uuid.uuid4())
                if unanswered or await self._num_waiting(client) < MAX_WAITING:
                    self.orders.setdefault(request_id, "")
                    steps = self._rng.randint(5, 150)
                    order = submission(scene, request_id=request_id, steps=steps, seconds=0.02)
                    self.orders[request_id] = (await client.ask(order)).job_id
                await asyncio.sleep(self._rng.uniform(0.0, ORDER_EVERY))

    async def _kill(self) -> None:
        while not self._deadline.has_come:
            await asyncio.sleep(self._rng.uniform(*CALM))
            old = self._held[0]
            if self._rng.random() < 0.5:
                await asyncio.to_thread(old.kill)
                self._held[0] = await asyncio.to_thread(running_server.start, old.data)
                self.kills["server"] += 1
            for worker in stage.workers(old.data)[: self._rng.randint(0, 1)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    worker.kill()
                    self.kills["worker"] += 1

    async def _settled(self) -> list[list[JobRecord]]:
        async with connected(self._held[0].port, self._held[0].token) as client:
            jobs = [job.job_id for job in (await client.ask(ListJobs())).jobs]
            answered = {job for job in self.orders.values() if job}
            unanswered = sum(not job for job in self.orders.values())
            expect(answered <= set(jobs), f"lost: {answered - set(jobs)}")
            expect(len(jobs) <= len(answered) + unanswered, "an order became two jobs")
            for job_id in jobs:
                await client.ask(WatchJob(job_id=job_id))
            async with asyncio.timeout(SETTLE_SECONDS):
                while not all(_ends(client, job_id) for job_id in jobs):
                    await asyncio.sleep(0.5)
            return [[event.record for event in client.records(job_id)] for job_id in jobs]

    async def _num_waiting(self, client: Client) -> int:
        jobs = (await client.ask(ListJobs())).jobs
        return sum(not job.state.is_final for job in jobs)


def _ends(client: Client, job_id: str) -> list[str]:
    texts = [event.record.text for event in client.records(job_id)]
    return [text for text in texts if text in stage.FINAL]


def _check(records: list[JobRecord]) -> str:
    """The job's end; the campaign fails if its records are not what they must be."""
    expect([r.seq for r in records] == list(range(1, len(records) + 1)), f"a gap: {records}")
    ends = [record for record in records if record.text in stage.FINAL]
    expect(len(ends) == 1, f"not one end: {records}")
    killed_thrice = "3rd time" in ends[0].reason
    expect(ends[0].text == "succeeded" or killed_thrice, f"a wrong end: {records}")
    return ends[0].text


def main() -> None:
    deadline = asked_for(__doc__.splitlines()[0])
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        scene = stage.small_scene(Path(folder))
        with stage.server(Path(folder) / "data") as held:
            chaos = Chaos(held, scene, deadline)
            ends = Counter(map(_check, asyncio.run(chaos.run())))
    sys.stdout.write(f"{dict(chaos.kills)} {dict(ends)}\n")
    expect(bool(chaos.kills and ends), "nothing was killed, or nothing was ordered: take longer")
    keep(
        "C1-random",
        minutes=deadline.minutes,
        server_kills=chaos.kills["server"],
        worker_kills=chaos.kills["worker"],
        jobs=ends.total(),
        succeeded=ends["succeeded"],
        killed_thrice=ends["failed"],
    )


if __name__ == "__main__":
    main()
