# SPDX-License-Identifier: GPL-3.0-or-later
"""A hundred jobs are cancelled at random moments: how soon each has ended, and that it ends once.

    python -m campaigns.cancels

One in five does not listen, and those that are still starting cannot: force ends them.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path

from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob, JobProgressed, WatchJob
from wire_client import Client, connected, followed

from campaigns import stage
from campaigns.results import asked_seed, expect, keep

JOBS = 100
LATEST = 3.0
"""Times as long after the order as the first job needed to begin."""
MAX_LISTENING, MAX_FORCED = 1.0, 16.0


async def _begun(client: Client, scene: str) -> float:
    """Seconds in which a job begins here and now."""
    start = time.monotonic()
    job_id = await followed(client, scene, steps=1)
    await client.event(JobProgressed, lambda e: e.progress.phase == "counting")
    begun = time.monotonic() - start
    await client.until(job_id, *stage.FINAL)
    return begun


async def _cancelled(
    client: Client, scene: str, rng: random.Random, latest: float
) -> tuple[bool, float]:
    """Whether the job could listen, and the seconds that its end took."""
    deaf = rng.random() < 0.2
    steps, seconds = (1, 1000.0) if deaf else (100_000, 0.01)
    job_id = await client.submit(scene, steps=steps, seconds=seconds, deaf=deaf)
    await client.ask(WatchJob(job_id=job_id))
    await asyncio.sleep(rng.uniform(0.0, latest))
    heard = any(event.progress.phase == "counting" for event in client.progress(job_id))
    start = time.monotonic()
    await client.ask(ControlJob(job_id=job_id, action=JobAction.CANCEL))
    await client.until(job_id, *stage.FINAL)
    took = time.monotonic() - start
    records = [event.record for event in client.records(job_id)]
    ends = [record.text for record in records if record.text in stage.FINAL]
    expect(ends == ["cancelled"], f"{records}")
    await client.ask(ControlJob(job_id=job_id, action=JobAction.CANCEL))  # again: no second end
    client.events.clear()
    return heard and not deaf, took


async def _all(port: int, token: str, folder: Path, rng: random.Random) -> list[tuple[bool, float]]:
    async with connected(port, token) as client:
        scene = await client.send_scene(folder)
        latest = LATEST * await _begun(client, scene)
        return [await _cancelled(client, scene, rng, latest) for _ in range(JOBS)]


def main() -> None:
    rng, seed = asked_seed(__doc__.splitlines()[0])
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        scene = stage.small_scene(Path(folder))
        with stage.server(Path(folder) / "data") as (running,):
            took = asyncio.run(_all(running.port, running.token, scene, rng))
    listening = [seconds for listens, seconds in took if listens]
    forced = [seconds for listens, seconds in took if not listens]
    expect(bool(listening and forced), "all of one kind")
    expect(max(listening) <= MAX_LISTENING, f"{max(listening):.2f} s, seed {seed}")
    expect(max(forced) <= MAX_FORCED, f"by force: {max(forced):.2f} s, seed {seed}")
    keep(
        "C12",
        seed=seed,
        jobs=JOBS,
        listening=len(listening),
        slowest_s=round(max(listening), 2),
        slowest_forced_s=round(max(forced), 2),
    )


if __name__ == "__main__":
    main()
