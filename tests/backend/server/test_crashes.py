# SPDX-License-Identifier: GPL-3.0-or-later
"""What was accepted is done, whoever is killed meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import running_server
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import (
    ControlJob,
    JobProgressed,
    JobRecorded,
    ListJobs,
    ListMethods,
    WatchJob,
)
from running_server import RunningServer
from wire_client import Client, followed, talk

FINAL = ("succeeded", "failed", "cancelled")
SLOW_MACHINE = 3.0
"""Tests share their machine with others."""


def workers(server: RunningServer) -> list[psutil.Process]:
    """The server's workers, the newest last."""
    mine = str(server.data)
    found = []
    for process in psutil.process_iter(["cmdline", "create_time"]):
        command = process.info["cmdline"] or []
        if "worker" in command and any(part.startswith(mine) for part in command):
            found.append(process)
    return sorted(found, key=lambda process: process.info["create_time"])


def curve_length(server: RunningServer, job_id: str) -> int:
    report = server.data / "jobs" / job_id / "artifacts" / "report.json"
    return len(json.loads(report.read_text())["curves"])


async def saved(client: Client, job_id: str) -> None:
    """Wait until the job's state is on disk."""
    await client.event(JobRecorded, lambda e: e.job_id == job_id and e.record.kind == "checkpoint")


def ends(client: Client, job_id: str) -> list[str]:
    return [e.record.text for e in client.records(job_id) if e.record.text in FINAL]


def test_a_killed_worker_is_replaced_and_its_successor_goes_on(
    own_server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        job_id = await followed(client, await client.send_scene(scene), steps=100, seconds=0.02)
        await saved(client, job_id)
        workers(own_server)[-1].kill()
        await client.until(job_id, *FINAL)
        assert ends(client, job_id) == ["succeeded"]
        retries = [e.record for e in client.records(job_id) if e.record.kind == "retry"]
        assert [record.text for record in retries] == ["2"]
        assert "was killed" in retries[0].reason
        assert curve_length(own_server, job_id) < 100

    talk(own_server, talking)


def test_a_job_that_kills_every_worker_fails_after_three(
    own_server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        job_id = await followed(client, sha256, steps=10, ending="dies", saves=False)
        last = await client.until(job_id, *FINAL)
        assert ends(client, job_id) == ["failed"]
        assert "was killed" in last.record.reason
        running = [e for e in client.records(job_id) if e.record.text == "running"]
        assert len(running) == 3

    talk(own_server, talking)


def test_a_killed_server_loses_no_job_and_leaves_no_worker(
    own_server: RunningServer, scene: Path
) -> None:
    jobs: list[str] = []

    async def before(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        jobs.append(await followed(client, sha256, steps=120, seconds=0.02))
        jobs.append(await client.submit(sha256, preset="draft"))
        await saved(client, jobs[0])

    async def after(client: Client) -> None:
        for job_id in jobs:
            await client.ask(WatchJob(job_id=job_id))
        for job_id in jobs:
            await client.until(job_id, *FINAL)
            assert ends(client, job_id) == ["succeeded"]
            seqs = [event.record.seq for event in client.records(job_id)]
            assert seqs == list(range(1, len(seqs) + 1))
        assert curve_length(own_server, jobs[0]) < 120

    talk(own_server, before)
    (old,) = workers(own_server)
    own_server.kill()
    old.wait(timeout=6.0 * SLOW_MACHINE)  # it noticed, saved and ended by itself
    again = running_server.start(own_server.data)
    try:
        talk(again, after)
    finally:
        again.stop()


def test_a_stopped_server_lets_its_workers_save(own_server: RunningServer, scene: Path) -> None:
    jobs: list[str] = []

    async def before(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        jobs.append(await followed(client, sha256, steps=100_000, seconds=0.02))
        await client.event(JobProgressed, lambda e: e.progress.step > 2)

    async def after(client: Client) -> None:
        (job,) = (await client.ask(ListJobs())).jobs
        await client.ask(WatchJob(job_id=job.job_id))
        await client.ask(ControlJob(job_id=job.job_id, action=JobAction.FINISH))
        await client.until(job.job_id, "succeeded")

    talk(own_server, before)
    start = time.monotonic()
    own_server.stop()
    assert time.monotonic() - start < 8.0 * SLOW_MACHINE
    assert workers(own_server) == []
    again = running_server.start(own_server.data)
    try:
        talk(again, after)
    finally:
        again.stop()


def test_a_data_folder_has_one_server(own_server: RunningServer) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "lightkiln", "serve", "--data", str(own_server.data)],
        capture_output=True,
        text=True,
        timeout=20 * SLOW_MACHINE,
    )
    assert second.returncode == 2
    assert "Another Lightkiln server is using" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_server_without_clients_and_work_ends_by_itself(tmp_path: Path) -> None:
    running = running_server.start(tmp_path / "data", "--idle-exit", "1")
    assert running.process.wait(10 * SLOW_MACHINE) == 0
    assert not (tmp_path / "data" / "server.json").exists()


def test_the_server_never_imports_torch_or_numba(own_server: RunningServer) -> None:
    maps = Path(f"/proc/{own_server.process.pid}/maps")
    if not maps.exists():
        pytest.skip("only Linux shows what a process has loaded")

    async def talking(client: Client) -> None:
        await client.ask(ListMethods())

    talk(own_server, talking)
    loaded = maps.read_text()
    assert "_multiarray_umath" in loaded  # numpy is there, so the look is a true one
    assert not [line for line in loaded.splitlines() if "/torch/" in line or "llvmlite" in line]
