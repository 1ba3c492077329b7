# SPDX-License-Identifier: GPL-3.0-or-later
"""The client that ships, when its server dies under it, and when its own machine sleeps.

    python -m campaigns.reconnecting

Twenty times the server is killed and started anew: how soon the person is told, and how soon the
line is there again. Then the client's process is stopped for two minutes, as a laptop that is shut:
its job goes on without it, and it is there again soon after it wakes.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import running_server
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob, ListJobs
from running_server import RunningServer
from shipped_client import Seat, endpoint, load
from wire_client import connected, followed

from campaigns import stage
from campaigns.results import expect, keep

KILLS = 20
ASLEEP = 120.0


def _killed(held: list[RunningServer]) -> tuple[list[float], list[float], list[float]]:
    """Seconds until the person was told, until the server listened, and from then to the line."""
    seat = Seat(lambda: endpoint(held[0]))
    told, listening, back = [], [], []
    try:
        seat.wait(lambda: _link(seat) == "online", 20, "no line")
        for _ in range(KILLS):
            held[0].kill()
            start = time.monotonic()
            seat.wait(lambda: _link(seat) == "reconnecting", 20, "nothing was told")
            told.append(seat.links[-1][0] - start)
            start = time.monotonic()
            held[0] = running_server.start(held[0].data)
            listening.append(time.monotonic() - start)
            start = time.monotonic()
            seat.wait(lambda: _link(seat) == "online", 30, "the line did not come back")
            back.append(seat.links[-1][0] - start)
    finally:
        seat.client.close()
    return told, listening, back


def _link(seat: Seat) -> str:
    return seat.links[-1][1] if seat.links else ""


async def _asleep(server: RunningServer, scene: Path) -> float:
    """Seconds from waking to the newest news of a job that went on meanwhile."""
    async with connected(server.port, server.token) as owner:
        sent = await owner.send_scene(scene)
        job_id = await followed(owner, sent, steps=100_000, seconds=0.01)
        words = (sys.executable, "-m", __spec__.name, str(server.data), job_id)
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as sleeper:
            try:
                await asyncio.to_thread(_step_after, sleeper, lambda step: step > 0)
                os.kill(sleeper.pid, signal.SIGSTOP)
                before = await _step(owner, job_id)
                await asyncio.sleep(ASLEEP)
                now = await _step(owner, job_id)
                expect(now > before, "the job did not go on")
                os.kill(sleeper.pid, signal.SIGCONT)
                woke = time.monotonic()
                await asyncio.to_thread(_step_after, sleeper, lambda step: step >= now)
                took = time.monotonic() - woke
            finally:
                sleeper.kill()
        await owner.ask(ControlJob(job_id=job_id, action=JobAction.CANCEL))
        await owner.until(job_id, "cancelled")
    return took


async def _step(owner, job_id: str) -> int:  # type: ignore[no-untyped-def]
    (job,) = [job for job in (await owner.ask(ListJobs())).jobs if job.job_id == job_id]
    return int(job.progress.step) if job.progress else 0


def _step_after(sleeper: subprocess.Popen[str], holds: Callable[[int], bool]) -> None:
    assert sleeper.stdout is not None
    for line in sleeper.stdout:
        if holds(int(line)):
            return
    sys.exit("the sleeper has ended")


def _watch(data: Path, job_id: str) -> None:
    """What the sleeping process does: print the step that it was last told."""
    running = json.loads((data / "server.json").read_text())
    where = load("connection").Endpoint(
        address="127.0.0.1",
        **{name: running[name] for name in ("port", "fingerprint", "token")},
    )
    seat = Seat(lambda: where)
    seat.client.watch(job_id)
    while True:
        post = seat.mailbox.get()
        if hasattr(getattr(post, "message", None), "progress"):
            sys.stdout.write(f"{post.message.progress.step}\n")
            sys.stdout.flush()
        time.sleep(0.01)


def main() -> None:
    with tempfile.TemporaryDirectory(dir=Path.home()) as folder:
        scene = stage.small_scene(Path(folder))
        with stage.server(Path(folder) / "data") as held:
            told, listening, back = _killed(held)
            expect(max(told) <= 1.0, f"told after {max(told):.1f} s")
            median = statistics.median(back)
            expect(median <= 3.0 and max(back) <= 12.0, f"back after {median:.1f}, {max(back):.1f}")
            figures = {"told_s": max(told), "median_s": median, "worst_s": max(back)}
            figures["listening_s"] = max(listening)
            keep("C8", kills=KILLS, **{name: round(value, 2) for name, value in figures.items()})
            took = asyncio.run(_asleep(held[0], scene))
    expect(took <= 5.0, f"there again {took:.1f} s after waking")
    keep("C9", asleep_s=round(ASLEEP), back_s=round(took, 1))


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), sys.argv[2]) if len(sys.argv) > 1 else main()
