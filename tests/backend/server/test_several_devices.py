# SPDX-License-Identifier: GPL-3.0-or-later
"""One job as two processes behind a server; one of them is killed, and the job goes on."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
import running_server
from lightkiln.jobs.folder import JobFolder
from lightkiln_shared.errors import InvalidParams
from lightkiln_shared.jobs import JobAction, RecordKind
from lightkiln_shared.messages import ControlJob, JobProgressed, JobRecorded
from wire_client import Client, followed, talk

STEPS = 400
TOGETHER = {
    "method": "neuralangelo",
    "preset": "draft",
    "devices": 2,
    "batch": 64,
    "max_side": 64,
    "resolution": 32,
    "levels": 3,
    "log2_size": 10,
    "samples": 8,
    "start": "ball",
    "points": 0.0,
    "time_budget": 100_000.0,
    "steps": STEPS,
}


def ranks(folder: JobFolder) -> dict[int, psutil.Process]:
    """The processes that torchrun has started for a job."""
    found = {}
    for process in psutil.process_iter(["cmdline"]):
        words = process.info["cmdline"] or []
        if str(folder.path) in words and "torch.distributed.run" not in words:
            found[int(process.environ().get("RANK", -1))] = process
    return found


def went_on(event: JobProgressed) -> bool:
    """It learns, and has fewer steps to do than at first."""
    return event.progress.phase == "learning" and 0 < event.progress.num_steps < STEPS


@pytest.mark.timeout(300)
@pytest.mark.skipif(sys.platform != "linux", reason="processes are looked for in /proc")
def test_a_process_that_is_killed_costs_no_more_than_the_steps_since_the_saved_state(
    own_server: running_server.RunningServer, scene: Path
) -> None:
    async def killed(client: Client) -> None:
        job = await followed(client, await client.send_scene(scene), **TOGETHER)
        folder = JobFolder(own_server.data / "jobs" / job)

        def said(kind: RecordKind) -> int:
            return sum(event.record.kind is kind for event in client.records(job))

        await client.event(JobRecorded, lambda _: said(RecordKind.CHECKPOINT) > 1)
        at_work = ranks(folder)
        assert sorted(at_work) == [0, 1]
        os.kill(at_work[1].pid, signal.SIGKILL)
        await client.event(JobRecorded, lambda _: said(RecordKind.RETRY) == 1)
        await client.event(JobProgressed, went_on)
        await client.ask(ControlJob(job_id=job, action=JobAction.FINISH))
        await client.until(job, "succeeded")
        for process in at_work.values():
            process.wait(10)

    talk(own_server, killed)


def test_more_devices_than_a_method_or_a_number_allow_are_refused_at_once(
    own_server: running_server.RunningServer, scene: Path
) -> None:
    async def refused(client: Client) -> None:
        sent = await client.send_scene(scene)
        for asked in ({"method": "counter", "devices": 2}, {**TOGETHER, "devices": 65}):
            with pytest.raises(InvalidParams, match="devices"):
                await client.submit(sent, **asked)

    talk(own_server, refused)
