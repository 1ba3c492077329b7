# SPDX-License-Identifier: GPL-3.0-or-later
"""A worker ends when it should: by itself, by force, or with its owner."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest
import running_server
from lightkiln.capture.open_scene import open_scene
from lightkiln.executors import devices, local
from lightkiln.jobs.folder import JobFolder, JobSpec, create
from synthetic import SyntheticScene


@pytest.fixture
def folder(
    tmp_path: Path, synthetic_scene: SyntheticScene, monkeypatch: pytest.MonkeyPatch
) -> JobFolder:
    """A job that would count for hours, and listens only if it is told to."""
    for name, value in running_server.environment().items():
        monkeypatch.setenv(name, value)
    spec = JobSpec(
        job_id="0" * 16, title="t", method="counter", preset="standard", params={"steps": 10**6}
    )
    scene, files = open_scene(synthetic_scene.folder)
    return create(tmp_path / "job", spec, scene, files)


async def started(folder: JobFolder) -> local.LocalWorker:
    """A worker that has begun to count."""
    worker = await local.LocalExecutor().start(folder.path, devices.cpu())
    for _ in range(600):
        progress = folder.last_progress()
        if progress is not None and progress.phase == "counting":
            return worker
        await asyncio.sleep(0.05)
    raise AssertionError(folder.log.read_text())


def test_a_worker_that_hears_nothing_is_ended_by_force(
    folder: JobFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "KILL_AFTER", 0.3)
    spec = (folder.path / "job.json").read_text()
    (folder.path / "job.json").write_text(spec.replace('"steps"', '"deaf": true, "steps"'))

    async def stop() -> tuple[float, int]:
        worker = await started(folder)
        asked = time.monotonic()
        await worker.stop(grace=0.2)
        return time.monotonic() - asked, await worker.wait()

    seconds, code = asyncio.run(stop())
    assert 0.5 < seconds < 2.0
    assert code == -9
    assert b'"state"' not in folder.events.read_bytes()  # no last word


def test_a_released_worker_saves_its_state_and_ends_without_a_last_word(folder: JobFolder) -> None:
    async def release() -> int:
        worker = await started(folder)
        await worker.release()
        return await asyncio.wait_for(worker.wait(), 5.0)

    assert asyncio.run(release()) == 0
    assert b'"state"' not in folder.events.read_bytes()
    assert list(folder.checkpoint.glob("*.npz"))


@pytest.mark.skipif(sys.platform != "linux", reason="the score is Linux's")
def test_memory_runs_out_for_a_worker_before_the_server(folder: JobFolder) -> None:
    async def score() -> int:
        worker = await started(folder)
        value = Path(f"/proc/{worker.pid}/oom_score_adj").read_text()
        await worker.stop(grace=0.0)
        return int(value)

    assert asyncio.run(score()) == 500
