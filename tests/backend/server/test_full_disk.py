# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk on which there is no more space, met at every place: a sentence, and nothing half-done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import running_server
from lightkiln.cli import app
from lightkiln_shared.errors import LightkilnError
from lightkiln_shared.jobs import JobAction
from lightkiln_shared.messages import ControlJob, JobProgressed, WatchJob
from running_server import RunningServer
from small_disk import fill, small_disk
from typer.testing import CliRunner
from wire_client import Client, followed, talk

MEGABYTES = 24


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", MEGABYTES) as place:
        yield place


@pytest.fixture
def cramped(disk: Path) -> Iterator[RunningServer]:
    """A server that would use the last byte of a small disk."""
    running = running_server.start(disk / "data", "--min-free-mb", "0")
    yield running
    running.stop()


def test_a_run_that_finds_the_disk_full_is_paused_with_a_sentence_and_goes_on_once_there_is_space(
    cramped: RunningServer, disk: Path, scene: Path
) -> None:
    async def paused(client: Client) -> None:
        job_id = await followed(client, await client.send_scene(scene), steps=400, seconds=0.01)
        await client.event(JobProgressed, lambda e: e.progress.step > 2)
        fill(disk)
        last = await client.until(job_id, "paused", "failed", "succeeded")
        assert last.record.text == "paused"
        assert last.record.reason == (
            "The disk that holds the job's files is full. "
            "Free some space there; a backend's job waits for that, until it is resumed."
        )
        folder = cramped.data / "jobs" / job_id
        assert not list(folder.rglob(".new.*"))
        left = {path.name for path in (folder / "artifacts").iterdir()}
        assert left <= {"thumbnail.png"}  # written at the start, and whole

    async def resumed(client: Client) -> None:
        await client.ask(WatchJob(job_id=job))
        await client.ask(ControlJob(job_id=job, action=JobAction.RESUME))
        await client.until(job, "succeeded")

    talk(cramped, paused)
    job = next((cramped.data / "jobs").iterdir()).name
    waiting = CliRunner().invoke(app, ["follow", job, "--data", str(cramped.data)])
    assert waiting.exit_code == 2
    assert "The disk that holds the job's files is full." in waiting.stderr
    (disk / "ballast").unlink()
    talk(cramped, resumed)


def test_a_cancel_works_on_a_full_disk(cramped: RunningServer, disk: Path, scene: Path) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        job_id = await followed(client, sha256, steps=1000, seconds=1.0, deaf=True)
        await client.event(JobProgressed, lambda e: e.progress.phase == "counting")
        (cramped.data / "jobs" / job_id / "reserve").unlink()
        ballast = fill(disk)
        with pytest.raises(LightkilnError, match="cannot be written"):
            await client.ask(ControlJob(job_id=job_id, action=JobAction.CANCEL))
        ballast.unlink()
        await client.ask(ControlJob(job_id=job_id, action=JobAction.CANCEL))
        await client.until(job_id, "cancelled")

    talk(cramped, talking)


def test_what_does_not_fit_is_refused_and_leaves_no_job(
    cramped: RunningServer, disk: Path, scene: Path
) -> None:
    async def talking(client: Client) -> None:
        sha256 = await client.send_scene(scene)
        ballast = fill(disk)
        with pytest.raises(LightkilnError, match="full") as refusal:
            await client.upload(b"some bytes")
        assert refusal.value.code == "resource"
        with pytest.raises(LightkilnError, match="full") as refusal:
            await client.submit(sha256, steps=1)
        assert refusal.value.code == "resource"
        assert list((cramped.data / "jobs").iterdir()) == []
        ballast.unlink()
        job_id = await followed(client, sha256, steps=1)
        await client.until(job_id, "succeeded")

    talk(cramped, talking)


@pytest.mark.parametrize("full", ["the job's folder", "the output"])
def test_the_command_line_says_that_the_disk_is_full(
    disk: Path, scene: Path, tmp_path: Path, full: str
) -> None:
    # Python would not choose a disk for its files on which it can write nothing
    fill(disk, spare=8192 if full == "the job's folder" else 0)
    roomy = tmp_path / "roomy"
    roomy.mkdir()
    work, output = (disk, roomy) if full == "the job's folder" else (roomy, disk)
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "lightkiln", "reconstruct", str(scene)),
            *("-o", str(output / "out.ply"), "--method", "counter", "--preset", "draft"),
        ],
        env={**running_server.environment(), "TMPDIR": str(work)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 2, answer.stderr
    assert "The disk is full. Free some space" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(roomy.iterdir()) == []
    assert [path.name for path in disk.iterdir()] == ["ballast"]
