# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's life, from a client's point of view: real workers behind a real server."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import time
import uuid
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import InvalidParams, UnknownJob
from lightkiln_shared.jobs import JobAction, JobRecord, JobState, Progress, RecordKind
from lightkiln_shared.messages import (
    ControlJob,
    DescribeJob,
    FinishAgain,
    JobProgressed,
    JobRecorded,
    ListArtifacts,
    ListJobs,
    LookFrom,
    PreviewImage,
    PreviewMesh,
    UnwatchJob,
    WatchJob,
)
from PIL import Image
from running_server import RunningServer
from synthetic import look_at
from wire_client import Client, connected, followed, submission, talk

FILES = ("mesh.ply", "mesh.glb", "report.json")


def first_coordinate(ply: bytes) -> float:
    """What the counting method has counted to."""
    mesh = trimesh.load(io.BytesIO(ply), file_type="ply", process=False)
    return float(mesh.vertices[0][0])


def camera(width: int, height: int) -> Camera:
    pose = look_at(np.array([3.0, 0.0, 1.0]), np.zeros(3))
    return Camera(
        world_from_camera=pose,
        focal=(100.0, 100.0),
        principal_point=(width / 2, height / 2),
        width=width,
        height=height,
    )


async def control(client: Client, job_id: str, action: JobAction) -> None:
    await client.ask(ControlJob(job_id=job_id, action=action))


async def counting(client: Client, job_id: str, at_least: int = 3) -> JobProgressed:
    """Wait until the job has done some steps."""
    return await client.event(
        JobProgressed, lambda e: e.job_id == job_id and e.progress.step >= at_least
    )


def test_a_job_goes_from_a_scene_to_a_mesh(server: RunningServer, scene: Path) -> None:
    async def talking(client: Client) -> None:
        asked = submission(await client.send_scene(scene), steps=60)
        job_id = (await client.ask(asked)).job_id
        assert (await client.ask(asked)).job_id == job_id  # a repeat is the same job
        await client.ask(WatchJob(job_id=job_id))
        last = await client.until(job_id, "succeeded", "failed")
        assert last.record.text == "succeeded", last.record.reason
        check_records([event.record for event in client.records(job_id)])
        check_progress([event.progress for event in client.progress(job_id)])
        await check_artifacts(client, job_id)
        newest = (await client.ask(ListJobs())).jobs[0]
        assert (newest.job_id, newest.state) == (job_id, JobState.SUCCEEDED)

    talk(server, talking)


def check_records(records: list[JobRecord]) -> None:
    assert [record.seq for record in records] == list(range(1, len(records) + 1))
    texts = {
        kind: [record.text for record in records if record.kind is kind] for kind in RecordKind
    }
    assert texts[RecordKind.STATE] == ["queued", "running", "succeeded"]
    assert texts[RecordKind.PHASE] == ["counting", "ending"]
    assert texts[RecordKind.WARNING] == ["The figure 'broken' is not a number in some steps."]
    assert texts[RecordKind.ARTIFACT] == ["thumbnail.png", *FILES]


def test_a_job_is_finished_again_without_its_method(server: RunningServer, scene: Path) -> None:
    async def talking(client: Client) -> None:
        first = await followed(
            client, await client.send_scene(scene), method="visual-hull", preset="draft"
        )
        assert (await client.until(first, "succeeded", "failed")).record.text == "succeeded"
        surface = await client.artifact(first, "mesh.ply")
        asked = FinishAgain(
            request_id=str(uuid.uuid4()), job_id=first, finish={"texture": 64, "faces": 300}
        )
        second = (await client.ask(asked)).job_id
        assert (await client.ask(asked)).job_id == second  # a repeat is the same job
        await client.ask(WatchJob(job_id=second))
        last = await client.until(second, "succeeded", "failed")
        assert last.record.text == "succeeded", last.record.reason
        records = [event.record for event in client.records(second)]
        assert [r.text for r in records if r.kind is RecordKind.PHASE] == ["texture"]
        assert await client.artifact(second, "mesh.ply") == surface
        image = Image.open(io.BytesIO(await client.artifact(second, "basecolor.png")))
        assert image.size == (64, 64)
        result = await client.artifact(second, "result.ply")
        mesh = trimesh.load(io.BytesIO(result), file_type="ply", process=False)
        whole = trimesh.load(io.BytesIO(surface), file_type="ply", process=False)
        assert 0 < len(mesh.faces) < len(whole.faces) / 2
        with pytest.raises(InvalidParams, match="texture=9000 is out of range"):
            await client.ask(replace(asked, request_id=str(uuid.uuid4()), finish={"texture": 9000}))
        with pytest.raises(UnknownJob):
            await client.ask(replace(asked, request_id=str(uuid.uuid4()), job_id="0" * 16))

    talk(server, talking)


def check_progress(told: list[Progress]) -> None:
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert told[-1].metrics["loss"] == pytest.approx(1 / 60)


async def check_artifacts(client: Client, job_id: str) -> None:
    artifacts = (await client.ask(ListArtifacts(job_id=job_id))).artifacts
    assert [artifact.name for artifact in artifacts] == sorted([*FILES, "thumbnail.png"])
    small = Image.open(io.BytesIO(await client.artifact(job_id, "thumbnail.png")))
    assert max(small.size) <= 128
    described = await client.ask(DescribeJob(job_id=job_id))
    assert (described.method, described.params, described.finish) == ("counter", {"steps": 60}, {})
    for artifact in artifacts:
        data = await client.artifact(job_id, artifact.name)
        assert hashlib.sha256(data).hexdigest() == artifact.sha256
        assert await client.artifact(job_id, artifact.name, offset=10) == data[10:]
    assert first_coordinate(await client.artifact(job_id, "mesh.ply")) == 60.0
    report = json.loads(await client.artifact(job_id, "report.json"))
    assert report["params"]["steps"] == 60
    assert len(report["curves"]) == 60
    with pytest.raises(UnknownJob, match="no such file"):
        await client.artifact(job_id, "../job.json")


def test_records_are_replayed_from_any_place_without_gap_or_repeat(
    server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        job_id = await followed(client, await client.send_scene(scene), preset="draft")
        await client.until(job_id, "succeeded")
        whole = client.records(job_id)
        for since in (0, 3, len(whole)):
            async with connected(server.port, server.token) as late:
                await late.ask(WatchJob(job_id=job_id, since=since))
                await late.ask(ListJobs())
                await asyncio.sleep(0.2)
                assert late.records(job_id) == whole[since:]

    talk(server, talking)


def test_a_pause_saves_the_state_and_a_resume_goes_on_from_it(
    server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        job_id = await followed(client, await client.send_scene(scene), steps=80, seconds=0.02)
        await counting(client, job_id)
        await control(client, job_id, JobAction.PAUSE)
        await client.until(job_id, "paused")
        with pytest.raises(UnknownJob, match="Possible now: resume, finish, cancel, delete"):
            await control(client, job_id, JobAction.RETRY)
        at_pause = client.progress(job_id)[-1].progress
        assert 0.0 < at_pause.fraction < 1.0
        await control(client, job_id, JobAction.RESUME)
        await client.until(job_id, "succeeded", "failed")
        assert first_coordinate(await client.artifact(job_id, "mesh.ply")) == 80.0
        report = json.loads(await client.artifact(job_id, "report.json"))
        assert len(report["curves"]) <= 80 - at_pause.step + 1  # nothing was done twice
        assert client.progress(job_id)[-1].progress.elapsed > at_pause.elapsed

    talk(server, talking)


def test_finish_now_and_a_time_limit_lead_to_the_mesh_so_far(
    server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        job_id = await followed(client, sha256, steps=100_000)
        limited = await followed(client, sha256, steps=100_000, time_limit=1.0)
        await counting(client, job_id)
        await control(client, job_id, JobAction.FINISH)
        asked = time.monotonic()
        await client.until(job_id, "succeeded")
        assert time.monotonic() - asked < 3.0
        assert 3 <= first_coordinate(await client.artifact(job_id, "mesh.ply")) < 10_000
        await client.until(limited, "succeeded")
        assert 1 <= first_coordinate(await client.artifact(limited, "mesh.ply")) < 200

    talk(server, talking)


def test_a_cancel_ends_at_once_and_a_retry_goes_on(server: RunningServer, scene: Path) -> None:
    async def talking(client: Client) -> None:
        job_id = await followed(client, await client.send_scene(scene), steps=60, seconds=0.03)
        await counting(client, job_id, at_least=20)
        asked = time.monotonic()
        await control(client, job_id, JobAction.CANCEL)
        await client.until(job_id, "cancelled")
        assert time.monotonic() - asked < 2.0  # 0.3 s where nobody else computes
        await control(client, job_id, JobAction.CANCEL)  # twice is no error
        await control(client, job_id, JobAction.RETRY)
        await client.until(job_id, "succeeded")
        texts = [e.record.text for e in client.records(job_id) if e.record.kind == "state"]
        assert texts[:4] == ["queued", "running", "cancelling", "cancelled"]
        assert texts[4:] == ["queued", "running", "succeeded"]
        report = json.loads(await client.artifact(job_id, "report.json"))
        assert len(report["curves"]) < 60

    talk(server, talking)


@pytest.mark.parametrize("moment", ["starting", "counting"])
def test_a_method_that_does_not_listen_is_cancelled_within_seconds_and_can_be_tried_again(
    server: RunningServer, scene: Path, moment: str
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        job_id = await followed(client, sha256, steps=1000, seconds=1.0, deaf=True)
        await client.until(job_id, "running")
        if moment == "counting":
            await client.event(JobProgressed, lambda e: e.progress.phase == "counting")
        asked = time.monotonic()
        await control(client, job_id, JobAction.CANCEL)
        await client.until(job_id, "cancelled")
        assert time.monotonic() - asked < 5.0  # 1.1 s where nobody else computes
        await control(client, job_id, JobAction.RETRY)
        await client.event(JobRecorded, lambda e: e.record.kind == "retry")
        await control(client, job_id, JobAction.CANCEL)

    talk(server, talking)


@pytest.mark.parametrize(
    ("ending", "reason"),
    [
        ("empty", "No surface was found. Check that the region"),
        ("nan", "places that are not numbers"),
        ("device", "The graphics card's memory is full. Close other programs"),
        ("bug", "The method failed: ZeroDivisionError: a bug of the method"),
    ],
)
def test_a_job_that_fails_says_why(
    server: RunningServer, scene: Path, ending: str, reason: str
) -> None:
    async def talking(client: Client) -> None:
        job_id = await followed(
            client, await client.send_scene(scene), preset="draft", ending=ending
        )
        last = await client.until(job_id, "succeeded", "failed")
        assert last.record.text == "failed"
        assert reason in last.record.reason
        summary = (await client.ask(ListJobs())).jobs[0]
        assert summary.reason == last.record.reason

    talk(server, talking)


def test_only_one_job_works_at_a_time_and_a_waiting_one_can_be_taken_back(
    server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        first = await followed(client, sha256, steps=100_000)
        second = await followed(client, sha256, preset="draft")
        await counting(client, first)
        states = {job.job_id: job.state for job in (await client.ask(ListJobs())).jobs}
        assert (states[first], states[second]) == (JobState.RUNNING, JobState.QUEUED)
        with pytest.raises(UnknownJob, match="Cancel it first"):
            await control(client, first, JobAction.DELETE)
        await control(client, second, JobAction.CANCEL)
        await client.until(second, "cancelled")
        await control(client, first, JobAction.CANCEL)
        await client.until(first, "cancelled")
        folder = server.data / "jobs" / first
        assert folder.exists()
        await control(client, first, JobAction.DELETE)
        assert not folder.exists()
        assert first not in {job.job_id for job in (await client.ask(ListJobs())).jobs}
        with pytest.raises(UnknownJob, match="no such job"):
            await client.ask(WatchJob(job_id=first))

    talk(server, talking)


def test_previews_come_for_the_camera_that_looks_and_only_while_it_does(
    server: RunningServer, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        job_id = await followed(client, await client.send_scene(scene), steps=100_000)
        await client.ask(LookFrom(job_id=job_id, camera=camera(64, 48)))
        image, pixels = await client.event_with_bytes(PreviewImage)
        assert (image.width, image.height, len(pixels)) == (64, 48, 64 * 48 * 4)
        await client.ask(LookFrom(job_id=job_id, camera=camera(32, 32)))
        await client.event(PreviewImage, lambda e: e.width == 32)
        mesh, data = await client.event_with_bytes(PreviewMesh)
        assert (mesh.num_vertices, mesh.num_triangles, len(data)) == (3, 1, 3 * 16 + 12)

        await client.ask(LookFrom(job_id=job_id, camera=None))
        await client.ask(UnwatchJob(job_id=job_id))
        await asyncio.sleep(0.5)
        seen = len(client.events)
        await asyncio.sleep(0.5)
        assert len(client.events) == seen
        await control(client, job_id, JobAction.CANCEL)
        await client.ask(WatchJob(job_id=job_id))
        await client.until(job_id, "cancelled")

    talk(server, talking)


def test_a_slow_watcher_gets_the_newest_picture_and_every_record(
    server: RunningServer, scene: Path
) -> None:
    """Pictures of 3.5 MB; a watcher that reads nothing for a while finds two at most in its way."""

    async def talking(client: Client) -> None:
        job_id = await followed(client, await client.send_scene(scene), steps=200, seconds=0.01)
        async with connected(server.port, server.token) as slow:
            await slow.ask(WatchJob(job_id=job_id))
            await slow.ask(LookFrom(job_id=job_id, camera=camera(1280, 720)))
            await slow.event(PreviewImage)
            slow.writer.transport.pause_reading()
            await client.event(JobRecorded, lambda e: e.record.text == "ending")
            before = sum(isinstance(event, PreviewImage) for event, _ in slow.events)
            slow.writer.transport.resume_reading()
            await slow.until(job_id, "succeeded")
            late = [e for e, _ in slow.events if isinstance(e, PreviewImage)][before:]
            assert 1 <= len(late) <= 4
            assert [e.record.seq for e in slow.records(job_id)] == [
                event.record.seq for event in client.records(job_id)
            ]

    talk(server, talking)
