# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that does not suffice: a run goes on with less, as its method says, and ends."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import running_server
from lightkiln.capture.open_scene import open_scene
from lightkiln.jobs.folder import JobSpec, create
from lightkiln.jobs.follow import Follower
from lightkiln_shared.jobs import RecordKind
from running_server import RunningServer
from wire_client import Client, followed, talk

JOB = JobSpec(job_id="0" * 16, title="a test", method="partners", preset="standard")


@pytest.mark.parametrize("memory", ["device", "torch"])
def test_a_job_for_which_memory_does_not_suffice_goes_on_from_its_saved_state_with_less(
    server: RunningServer, scene: Path, memory: str
) -> None:
    async def talking(client: Client) -> None:
        sent = await client.send_scene(scene)
        job_id = await followed(client, sent, steps=30, ending=memory, bearable=16)
        await client.until(job_id, "succeeded")
        records = [event.record for event in client.records(job_id)]
        states = [record.text for record in records if record.kind is RecordKind.STATE]
        assert states == [*["queued", "running"] * 3, "succeeded"]
        told = [record.text for record in records if record.kind is RecordKind.WARNING]
        assert [text.rpartition(": ")[2] for text in told if "with less" in text] == [
            "rays = 32.",
            "rays = 16.",
        ]
        report = json.loads(await client.artifact(job_id, "report.json"))
        assert report["params"]["rays"] == 16
        assert len(report["curves"]) < 30  # the others were an earlier attempt's

    talk(server, talking)


def test_a_command_goes_on_with_less_as_well(scene: Path, tmp_path: Path) -> None:
    answer = subprocess.run(
        [
            *(sys.executable, "-m", "lightkiln", "reconstruct", str(scene)),
            *("-o", str(tmp_path / "out.ply"), "--method", "counter", "--preset", "draft"),
            *("--set", "ending=host", "--set", "bearable=32"),
        ],
        env=running_server.environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    assert "The backend's memory is full. The job goes on" in answer.stderr
    assert (tmp_path / "out.ply").exists()


def test_where_memory_is_full_in_one_of_several_processes_all_begin_anew_with_less(
    scene: Path, tmp_path: Path
) -> None:
    folder = create(tmp_path / "job", JOB, *open_scene(scene))
    environment = {**running_server.environment(), "LIGHTKILN_METHODS": "partners_for_tests:SPEC"}
    command = [sys.executable, "-m", "lightkiln", "worker", str(folder.path)]
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=120)
    word = Follower(folder).look().last_word
    assert word is not None
    assert (word.text, folder.spec().params, folder.spec().halvings) == ("queued", {"batch": 32}, 1)
    assert word.reason.endswith("with less: batch = 32.")
