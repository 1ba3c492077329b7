# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk of 64 MB becomes full at twenty random moments of a job's life (Linux, root).

    python -m campaigns.full_disk

The server stays, the job comes to its mesh or is paused and says that the disk is full, and once
there is space again it goes on; nothing that was kept is damaged.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
import tempfile
import time
from collections import Counter
from pathlib import Path

import running_server
from lightkiln_shared.errors import LightkilnError
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob, ListArtifacts, ListJobs, WatchJob
from running_server import RunningServer
from small_disk import fill, small_disk
from wire_client import Client, connected, followed

from campaigns import stage
from campaigns.results import asked_seed, expect, keep

MEGABYTES, TIMES = 64, 20
STEPS, SECONDS = 60, 0.02


async def _undisturbed(client: Client, scene: Path) -> float:
    """Seconds that a job takes here and now."""
    start = time.monotonic()
    job_id = await followed(client, await client.send_scene(scene), steps=STEPS, seconds=SECONDS)
    await client.until(job_id, "succeeded")
    await client.ask(ControlJob(job_id=job_id, action=JobAction.DELETE))
    return time.monotonic() - start


async def _once(client: Client, scene: Path, disk: Path, rng: random.Random, latest: float) -> str:
    """Where the full disk met the job: `refused`, `paused`, or `succeeded` in spite of it."""
    sent = await client.send_scene(scene)
    full = asyncio.create_task(_fill(disk, rng.uniform(0.0, latest)))
    try:
        job_id = await client.submit(sent, steps=STEPS, seconds=SECONDS)
    except LightkilnError as error:
        expect(error.code == "resource", f"{error}")
        (await full).unlink()
        return "refused"
    await client.ask(WatchJob(job_id=job_id))
    ballast = await full
    await client.ask(ListJobs())
    try:
        last = await asyncio.wait_for(client.until(job_id, "paused", *stage.FINAL), 20.0)
    except TimeoutError:  # the store itself waits for space
        ballast.unlink()
        last = await client.until(job_id, "paused", *stage.FINAL)
    ballast.unlink(missing_ok=True)
    expect(last.record.text != "failed", last.record.reason)
    if last.record.text == "paused":
        expect("disk" in last.record.reason, last.record.reason)
        client.events.clear()
        await client.ask(ControlJob(job_id=job_id, action=JobAction.RESUME))
        again = await client.until(job_id, *stage.FINAL)
        expect(again.record.text == "succeeded", again.record.reason)
    await _is_whole(client, job_id)
    await client.ask(ControlJob(job_id=job_id, action=JobAction.DELETE))
    client.events.clear()
    return last.record.text


async def _fill(disk: Path, after: float) -> Path:
    await asyncio.sleep(after)
    return await asyncio.to_thread(fill, disk)


async def _is_whole(client: Client, job_id: str) -> None:
    for artifact in (await client.ask(ListArtifacts(job_id=job_id))).artifacts:
        data = await client.artifact(job_id, artifact.name)
        expect(hashlib.sha256(data).hexdigest() == artifact.sha256, f"{artifact.name} is damaged")


async def _all(server: RunningServer, scene: Path, disk: Path, rng: random.Random) -> Counter[str]:
    async with connected(server.port, server.token) as client:
        latest = await _undisturbed(client, scene)
        return Counter([await _once(client, scene, disk, rng, latest) for _ in range(TIMES)])


def main() -> None:
    rng, seed = asked_seed(__doc__.splitlines()[0])
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        scene = stage.small_scene(Path(folder))
        with small_disk(Path(folder) / "disk", MEGABYTES) as disk:
            server = running_server.start(disk / "data", "--min-free-mb", "0")
            try:
                ends = asyncio.run(_all(server, scene, disk, rng))
            finally:
                server.stop()
            left = [path for path in disk.rglob(".new.*") if path.is_file()]
    expect(not left, f"left over: {left}")
    expect(ends["paused"] > 0, "the disk was never full in time")
    keep("C5", seed=seed, times=TIMES, paused=ends["paused"], refused=ends["refused"])


if __name__ == "__main__":
    main()
