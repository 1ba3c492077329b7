# SPDX-License-Identifier: GPL-3.0-or-later
"""What the store has taken, it keeps."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from lightkiln.jobs.store import Change, JobStore
from lightkiln_shared.errors import ResourceError, UnknownJob
from lightkiln_shared.jobs import Artifact, JobState, JobSummary, RecordKind

WRITER = """
import sys
from pathlib import Path
from lightkiln.jobs.store import Change, JobStore
from lightkiln_shared.jobs import RecordKind
store = JobStore(Path(sys.argv[1]))
number = int(sys.argv[2])
while True:
    number += 1
    store.apply("a", Change(records=((RecordKind.WARNING, str(number), ""),), events_read=number))
    print(number, flush=True)
"""


def summary(job_id: str, created: float = 1.0) -> JobSummary:
    return JobSummary(
        job_id=job_id,
        title="t",
        method="m",
        preset="p",
        state=JobState.QUEUED,
        reason="",
        created=created,
        progress=None,
    )


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    made = JobStore(tmp_path / "jobs.sqlite")
    made.add(summary("a"), "request a")
    return made


def test_records_are_numbered_without_gaps_in_each_job(store: JobStore) -> None:
    store.add(summary("b", created=2.0), "request b")
    for job_id in ("a", "b", "a"):
        store.apply(job_id, Change(records=((RecordKind.PHASE, "p", ""),) * 3))
    store.apply("a", Change(state=JobState.RUNNING))
    found = store.records("a", 0, 100)
    assert [record.seq for record, _ in found] == list(range(1, 9))
    assert [state for _, state in found][-2:] == [JobState.QUEUED, JobState.RUNNING]
    assert store.records("a", 6, 1) == found[6:7]
    assert [job.job_id for job in store.newest(10)] == ["b", "a"]


def test_a_request_finds_its_job_again(store: JobStore) -> None:
    assert store.requested("request a") == "a"
    assert store.requested("request b") is None
    with pytest.raises(sqlite3.IntegrityError):
        store.add(summary("c"), "request a")


def test_an_attempt_cannot_end_twice_and_a_failed_change_leaves_nothing(store: JobStore) -> None:
    store.apply("a", Change(state=JobState.FAILED, reason="r"))
    before = store.records("a", 0, 100)
    artifact = Artifact(name="mesh.glb", size=1, sha256="0" * 64)
    with pytest.raises(sqlite3.IntegrityError):
        store.apply("a", Change(state=JobState.SUCCEEDED, artifacts=(artifact,)))
    assert store.records("a", 0, 100) == before
    assert store.artifacts("a") == ()
    assert store.job("a").state is JobState.FAILED
    store.apply("a", Change(state=JobState.QUEUED, attempt=2))
    store.apply("a", Change(state=JobState.SUCCEEDED, artifacts=(artifact,)))
    assert store.artifacts("a") == (artifact,)


def test_a_deleted_job_is_gone_with_all_that_belonged_to_it(store: JobStore) -> None:
    store.delete("a")
    assert store.records("a", 0, 100) == ()
    with pytest.raises(UnknownJob):
        store.job("a")


def test_what_was_acknowledged_before_a_kill_is_there(store: JobStore, tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    store.close()
    rng = random.Random(5)
    acknowledged = 0
    for _ in range(5):
        command = [sys.executable, "-c", WRITER, str(path), str(acknowledged)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(rng.uniform(0.0, 0.2))
            writer.kill()
            lines = writer.stdout.read().decode().split("\n")[:-1]
        acknowledged = max([acknowledged, *map(int, lines)])
        again = JobStore(path)
        seqs = [record.seq for record, _ in again.records("a", 0, 10**6)]
        assert seqs == list(range(1, len(seqs) + 1))
        assert again.job("a").events_read >= acknowledged
        assert len(seqs) - 1 == again.job("a").events_read  # records and place change together
        acknowledged = again.job("a").events_read
        again.close()


def test_a_damaged_database_is_reported_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"this is no database" * 100)
    with pytest.raises(ResourceError, match="damaged"):
        JobStore(path)
    assert path.read_bytes().startswith(b"this is no database")


def test_a_full_disk_is_said_and_changes_nothing(store: JobStore, tmp_path: Path) -> None:
    store.close()
    small = JobStore(tmp_path / "jobs.sqlite")
    pages = small.database.rows("PRAGMA page_count")[0][0]
    small.database.rows(f"PRAGMA max_page_count = {pages}")
    before = small.records("a", 0, 100)
    with pytest.raises(ResourceError, match="cannot be written"):
        small.apply("a", Change(records=((RecordKind.WARNING, "w" * 9000, ""),) * 5))
    assert small.records("a", 0, 100) == before
    small.database.rows("PRAGMA max_page_count = 100000")
    small.apply("a", Change(records=((RecordKind.WARNING, "w", ""),)))
    assert len(small.records("a", 0, 100)) == len(before) + 1


def test_jobs_from_before_there_were_clients_are_the_owners(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    before = JobStore(path)
    before.add(summary("a"), "request a")
    before.close()
    with closing(sqlite3.connect(path)) as old:
        old.execute("ALTER TABLE jobs DROP COLUMN owner")
    again = JobStore(path)
    again.check_owner("a", "")
    with pytest.raises(UnknownJob):
        again.check_owner("a", "ann")
    assert again.requested("request a") == "a"
    again.add(summary("b"), "request a", "ann")
    assert again.requested("request a", "ann") == "b"
    assert [job.job_id for job in again.newest(9, "ann")] == ["b"]
    assert [job.job_id for job in again.newest(9)] == ["a"]
    again.close()
