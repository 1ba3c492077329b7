# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs on a real Ray cluster of this machine: what they leave, who outlives whom, who gets in.

Killing nodes and the like, often: `campaigns.cluster`.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import ray_cluster
import running_server
from lightkiln_shared.jobs import JobAction, JobState, RecordKind
from lightkiln_shared.messages import ControlJob, JobProgressed, PreviewMesh, WatchJob
from ray_cluster import Cluster
from running_server import RunningServer
from synthetic import SyntheticScene
from wire_client import Client, connected, followed, talk

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed"),
    pytest.mark.skipif(sys.platform != "linux", reason="Ray clusters are for Linux"),
    pytest.mark.timeout(300),
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """One node, for one job at a time as on this machine without Ray."""
    with ray_cluster.cluster(tmp_path_factory.mktemp("cluster")) as made:
        made.start_head(cpus=2)
        yield made


@pytest.fixture
def on_ray(cluster: Cluster, tmp_path: Path) -> Iterator[RunningServer]:
    (tmp_path / "shared").mkdir()
    running = cluster.serve(tmp_path / "data", tmp_path / "shared")
    yield running
    if running.process.poll() is None:
        running.stop()


def test_jobs_leave_the_same_on_a_cluster_as_on_this_machine(
    on_ray: RunningServer, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    local = running_server.start(tmp_path / "local")

    async def two_jobs(server: RunningServer) -> list[object]:
        async with connected(server.port, server.token) as client:
            scene = await client.send_scene(synthetic_scene.folder)
            good = await followed(client, scene, method="visual-hull", resolution=32)
            bad = await followed(client, scene, ending="bug")
            await client.until(good, "succeeded")
            await client.until(bad, "failed")
            records = [event.record for job in (good, bad) for event in client.records(job)]
            kept = [record for record in records if record.kind is not RecordKind.CHECKPOINT]
            said = [(record.kind, record.text, record.reason) for record in kept]
            return [said, await client.artifact(good, "mesh.ply")]

    async def both() -> list[list[object]]:
        return await asyncio.gather(two_jobs(on_ray), two_jobs(local))

    try:
        there, here = asyncio.run(both())
    finally:
        local.stop()
    assert there == here


def test_a_job_outlives_its_server_and_hears_the_next_one(
    on_ray: RunningServer, cluster: Cluster, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    job = ""

    async def begin(client: Client) -> None:
        nonlocal job
        job = await followed(client, await client.send_scene(synthetic_scene.folder), steps=10**6)
        await client.event(JobProgressed, lambda e: e.progress.step > 5)

    talk(on_ray, begin)
    on_ray.kill()
    worker = worker_of(tmp_path / "shared")
    again = cluster.serve(tmp_path / "data", tmp_path / "shared")

    async def go_on(client: Client) -> None:
        await client.ask(WatchJob(job_id=job))
        await client.event(JobProgressed)
        await client.event(PreviewMesh)
        await paused(client, job)
        await client.ask(ControlJob(job_id=job, action=JobAction.RESUME))
        before = len(client.progress(job))
        await client.event(JobProgressed, lambda e: e in client.progress(job)[before:])
        await client.ask(ControlJob(job_id=job, action=JobAction.CANCEL))
        await client.until(job, JobState.CANCELLED)
        texts = [e.record.text for e in client.records(job)]
        assert texts.count("running") == 2, "the first worker went on until it was paused"
        assert [e.record.seq for e in client.records(job)] == list(range(1, len(texts) + 1))

    try:
        assert worker.is_running()
        assert cluster.token not in worker.environ().values()
        talk(again, go_on)
        assert not worker.is_running()
    finally:
        again.stop()


async def paused(client: Client, job: str) -> None:
    await client.ask(ControlJob(job_id=job, action=JobAction.PAUSE))
    await client.until(job, JobState.PAUSED)


def worker_of(folder: Path) -> psutil.Process:
    """The one process that works on a job under a folder."""
    found = [
        process
        for process in psutil.process_iter(["cmdline"])
        if "worker" in (words := process.info["cmdline"] or [])
        and any(word.startswith(str(folder)) for word in words)
    ]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_without_the_clusters_token_no_server_starts_on_it(
    cluster: Cluster, tmp_path: Path, token: str
) -> None:
    assert "token" in refused(cluster, tmp_path, tmp_path, RAY_AUTH_TOKEN=token)


def test_a_folder_that_is_not_there_is_refused(cluster: Cluster, tmp_path: Path) -> None:
    said = refused(cluster, tmp_path, tmp_path / "nowhere")
    assert "nowhere" in said
    assert "Traceback" not in said


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="mounts need root")
def test_a_folder_that_one_machine_does_not_see_is_refused(
    cluster: Cluster, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    elsewhere = f'mount -t tmpfs none {shared} && exec "$@"'
    node = cluster.start_node(1, within=("unshare", "--mount", "sh", "-c", elsewhere, "sh"))
    try:
        said = " ".join(refused(cluster, tmp_path, shared).split())
    finally:
        node.kill()
    assert "is not shared with" in said
    assert "Mount the same storage" in said


def refused(cluster: Cluster, folder: Path, shared: Path, **variables: str) -> str:
    """What a server says that does not start."""
    words = [*running_server.COMMAND[:-1], "--data", str(folder / "data"), "--executor", "ray"]
    words += ["--ray-address", cluster.address, "--shared", str(shared)]
    answer = subprocess.run(
        words,
        env={**cluster.environment, **variables},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert answer.returncode != 0, json.dumps(answer.stdout)
    return answer.stderr
