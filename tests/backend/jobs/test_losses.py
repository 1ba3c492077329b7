# SPDX-License-Identifier: GPL-3.0-or-later
"""What counts against a job: workers that end by themselves, not those that end with a server."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lightkiln.jobs.attempt import MAX_LOSSES, outcome
from lightkiln.jobs.ledger import Ledger
from lightkiln.jobs.state import Happening
from lightkiln.jobs.store import JobStore
from lightkiln.jobs.watchers import Watchers
from lightkiln_shared.jobs import JobState, JobSummary

KILLED = -9
JOB = JobSummary(
    job_id="a",
    title="t",
    method="m",
    preset="p",
    state=JobState.QUEUED,
    reason="",
    created=1.0,
    progress=None,
)


def states_after(folder: Path, exit_codes: list[int | None]) -> list[JobState]:
    """The job's states after attempts without a last word; no exit code: the server ended first."""
    ledger = Ledger(JobStore(folder / "jobs.sqlite"), Watchers())

    async def attempts() -> list[JobState]:
        await ledger.do(ledger.store.add, JOB, "request")
        states = []
        for exit_code in exit_codes:
            job, _ = await ledger.step(JOB.job_id, Happening.STARTED)
            job, _ = await ledger.step(JOB.job_id, outcome(job, None, exit_code)[0])
            states.append(job.state)
        return states

    try:
        return asyncio.run(attempts())
    finally:
        ledger.close()


def test_a_server_may_be_killed_any_number_of_times(tmp_path: Path) -> None:
    assert set(states_after(tmp_path, [None] * 10)) == {JobState.QUEUED}


def test_workers_that_end_without_a_word_fail_the_job_whatever_servers_did_meanwhile(
    tmp_path: Path,
) -> None:
    states = states_after(tmp_path, [None, KILLED, None, KILLED, None, KILLED])
    assert states[:-1] == [JobState.QUEUED] * 5
    assert states[-1] is JobState.FAILED
    assert MAX_LOSSES == 3
