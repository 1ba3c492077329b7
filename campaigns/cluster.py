# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on a Ray cluster whose workers, nodes and server are killed: `python -m campaigns.cluster`.

A head and two nodes on this machine, each a tree of processes of its own. The rows are those of the
table of distribution: the same jobs as without a cluster (D1), workers (D2), nodes (D3) and servers
(D4) killed, and who has not the token (D5). Writes `docs/benchmarks/cluster.json`, and, once all
rows are there, `cluster.md`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import ray_cluster
import running_server
from lightkiln.jobs import checkpoints
from lightkiln.jobs.folder import JobFolder
from lightkiln_shared.jobs import JobAction, Progress, RecordKind
from lightkiln_shared.messages import (
    ControlJob,
    JobProgressed,
    JobRecorded,
    ListArtifacts,
    WatchJob,
)
from ray_cluster import Cluster, Node
from running_server import RunningServer
from wire_client import Client, connected, followed

from benchmarks.machine import DOCS, commit, machine, today
from campaigns import stage
from campaigns.results import expect

FIGURES = DOCS / "cluster.json"
JOBS, WORKERS, NODES, SERVERS = 20, 20, 5, 20
KILLS_OF_A_JOB = 2
"""A third would be its end."""
STEPS = 1000
BEFORE_KILL = STEPS // 10
TOLD = (RecordKind.PHASE, RecordKind.WARNING, RecordKind.ARTIFACT)


@dataclass
class Play:
    """A cluster, the server on it, and a scene."""

    cluster: Cluster
    server: RunningServer
    shared: Path
    scene: Path

    def restart(self) -> None:
        """Kill the server and start another."""
        self.server.kill()
        self.server = self.cluster.serve(self.server.data, self.shared)

    def add_node(self) -> None:
        """Another one, for one job."""
        self.cluster.start_node(cpus=1)

    def worker(self) -> psutil.Process:
        """The process that works on a job."""
        (found,) = stage.workers(self.shared)
        return found

    def folder(self, job: str) -> JobFolder:
        """A job's, which has but one."""
        (found,) = self.shared.glob(f"*/jobs/{job}")
        return JobFolder(found)

    def saved(self, job: str) -> int:
        """The count in the job's newest saved state."""
        state = checkpoints.load(self.folder(job).checkpoint)
        return 0 if state is None else int(state.arrays["count"])

    def node(self) -> Node:
        """The node that it is on."""
        pid = self.worker().pid
        return next(node for node in self.cluster.nodes if pid in {p.pid for p in node.tree()})


@contextmanager
def played(nodes: int = 2) -> Iterator[Play]:
    with tempfile.TemporaryDirectory(dir=Path.home()) as name:
        folder = Path(name)
        (folder / "shared").mkdir()
        with ray_cluster.cluster(folder) as made:
            made.start_head(cpus=0 if nodes else 1)
            for _ in range(nodes):
                made.start_node(cpus=1)
            server = made.serve(folder / "data", folder / "shared")
            play = Play(made, server, folder / "shared", stage.small_scene(folder))
            try:
                yield play
            finally:
                play.server.stop()


# ------------------------------------------------------------ the rows


def same_jobs() -> dict[str, Any]:
    """D1: what jobs say and leave, here and there."""
    with played() as play:
        there = asyncio.run(_done(play.server, play.scene))
        local = running_server.start(play.server.data.parent / "local")
        try:
            here = asyncio.run(_done(local, play.scene))
        finally:
            local.stop()
    alike = sum(a == b for a, b in zip(here, there, strict=True))
    return {"jobs": len(here), "alike": alike, "passed": alike == len(here) == JOBS}


def _orders() -> list[dict[str, Any]]:
    hulls = [{"method": "visual-hull", "resolution": 32 + 4 * n} for n in range(JOBS // 2)]
    endings = ("mesh", "empty", "bug", "nan")
    counts = [{"steps": 5 + n, "ending": endings[n % 4]} for n in range(JOBS - len(hulls))]
    return [*hulls, *counts]


async def _done(server: RunningServer, scene: Path) -> list[Any]:
    """Of each job its records, but for the times at which states were saved, and its files."""
    async with connected(server.port, server.token) as client:
        sent, told = await client.send_scene(scene), []
        for order in _orders():
            job = await followed(client, sent, **order)
            await client.until(job, *stage.FINAL)
            records = [event.record for event in client.records(job)]
            kept = [r for r in records if r.kind is not RecordKind.CHECKPOINT]
            files = (await client.ask(ListArtifacts(job_id=job))).artifacts
            hashes = {each.name: each.sha256 for each in files if each.name != "report.json"}
            told.append(([(r.kind, r.text, r.reason) for r in kept], hashes))
    return told


def workers() -> dict[str, Any]:
    """D2: SIGKILL to the worker."""

    async def kill(play: Play) -> None:
        play.worker().kill()

    with played(nodes=1) as play:
        return _judged(asyncio.run(_killed(play, WORKERS, KILLS_OF_A_JOB, kill)), 10.0)


def nodes() -> dict[str, Any]:
    """D3: a node's whole tree is killed at once; afterwards another node joins."""

    async def kill(play: Play) -> None:
        node = play.node()
        play.cluster.nodes.remove(node)
        await asyncio.to_thread(node.kill)

    with played() as play:
        return _judged(asyncio.run(_killed(play, NODES, 1, kill, play.add_node)), 30.0)


def servers() -> dict[str, Any]:
    """D4: the server is killed; the job must not notice, and its records must have no gap."""
    with played(nodes=1) as play:
        return _judged(asyncio.run(_restarted(play)), 5.0)


def strangers() -> dict[str, Any]:
    """D5: Ray itself, asked without the token and with another one."""
    ask = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False)"
    refused = 0
    with played(nodes=0) as play:
        for mode, token in (("disabled", ""), ("token", ""), ("token", "0" * 64)):
            variables = {**play.cluster.environment, "RAY_AUTH_MODE": mode}
            variables |= {"RAY_AUTH_TOKEN": token, "RAY_NUM_REDIS_GET_RETRIES": "3"}
            words = [sys.executable, "-c", ask, play.cluster.address]
            answer = subprocess.run(words, env=variables, capture_output=True, timeout=120)
            refused += answer.returncode != 0
    return {"asked": 3, "refused": refused, "passed": refused == 3}


# ------------------------------------------------------------ how they are measured

Lost = tuple[float, int]
"""Seconds until a job went on, and the steps that were done again."""


async def _killed(
    play: Play,
    count: int,
    each: int,
    kill: Callable[[Play], Awaitable[None]],
    mend: Callable[[], None] | None = None,
) -> list[Lost]:
    lost: list[Lost] = []
    async with connected(play.server.port, play.server.token) as client:
        sent = await client.send_scene(play.scene)
        while len(lost) < count:
            job = await followed(client, sent, steps=STEPS, seconds=0.02)
            place = 0
            for _ in range(each):
                before = _count(await _counting(client, job, place, BEFORE_KILL))
                place, at = len(client.events), time.monotonic()
                saved = play.saved(job)
                await kill(play)
                after = await _counting(client, job, place, 0, again=True)
                began = _count(after) - after.step
                expect(began >= saved, f"it went on from {began}, and {saved} was saved")
                lost.append((time.monotonic() - at, before - began))
                place = len(client.events)
            await client.ask(ControlJob(job_id=job, action=JobAction.CANCEL))
            await client.until(job, "cancelled")
            if mend is not None:
                await asyncio.to_thread(mend)
    return lost


async def _restarted(play: Play) -> list[Lost]:
    lost: list[Lost] = []
    async with connected(play.server.port, play.server.token) as client:
        sent = await client.send_scene(play.scene)
        job = await followed(client, sent, steps=10**6, seconds=0.02)
        await _counting(client, job, 0, 5)
    worker = play.worker()
    for _ in range(SERVERS):
        play.restart()
        at = time.monotonic()
        async with connected(play.server.port, play.server.token) as client:
            await client.ask(WatchJob(job_id=job))
            await _counting(client, job, 0, 5)
            lost.append((time.monotonic() - at, 0))
            expect(worker.is_running(), "the worker ended with the server")
            numbers = [event.record.seq for event in client.records(job)]
            expect(numbers == list(range(1, len(numbers) + 1)), f"a gap: {numbers}")
    async with connected(play.server.port, play.server.token) as client:
        await client.ask(WatchJob(job_id=job))
        await client.ask(ControlJob(job_id=job, action=JobAction.FINISH))
        await client.until(job, "succeeded")
        told = [r.record.text for r in client.records(job) if r.record.kind in TOLD]
    lines = play.folder(job).events.read_text().splitlines()
    written = [line["text"] for line in map(json.loads, lines) if line["kind"] in TOLD]
    expect(told == written, f"lost: {written} {told}")
    return lost


async def _counting(
    client: Client, job: str, place: int, step: int, *, again: bool = False
) -> Progress:
    """The first progress of counting beyond a step, of events from a place on.

    `again`: of the next attempt. Records overtake progress, so only what comes after the record of
    that attempt's counting is of it for certain.
    """
    while True:
        awaited = [RecordKind.RETRY, RecordKind.PHASE] if again else []
        for event, _ in client.events[place:]:
            if isinstance(event, JobRecorded) and awaited and event.record.kind is awaited[0]:
                del awaited[0]
            if isinstance(event, JobProgressed) and event.job_id == job and not awaited:
                progress = event.progress
                if progress.phase == "counting" and progress.step > step:
                    return progress
        await asyncio.sleep(0.02)


def _count(progress: Progress) -> int:
    """Steps of all attempts: a state that was saved leaves fewer to do."""
    return STEPS - progress.num_steps + progress.step


def _judged(lost: list[Lost], bar: float) -> dict[str, Any]:
    seconds = [each for each, _ in lost]
    return {
        "kills": len(lost),
        "median_s": round(statistics.median(seconds), 2),
        "most_s": round(max(seconds), 2),
        "bar_s": bar,
        "steps_again": max(steps for _, steps in lost),
        "passed": max(seconds) <= bar,
    }


ROWS: dict[str, Callable[[], dict[str, Any]]] = {
    "D1": same_jobs,
    "D2": workers,
    "D3": nodes,
    "D4": servers,
    "D5": strangers,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="*", choices=tuple(ROWS), default=tuple(ROWS))
    known: dict[str, Any] = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    asked = parser.parse_args().rows
    for row in asked:
        about = {"date": today(), "commit": commit(), "machine": machine()}
        known[row] = {**about, **ROWS[row]()}
        FIGURES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        sys.stdout.write(f"{row}: {known[row]}\n")
    if known.keys() >= ROWS.keys():
        template = Path(__file__).with_name("cluster.template.md").read_text()
        (DOCS / "cluster.md").write_text(template.format(**known))
    missed = [name for name in asked if not known[name]["passed"]]
    expect(not missed, f"bars were missed: {missed}")


if __name__ == "__main__":
    main()
