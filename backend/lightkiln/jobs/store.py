# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of all jobs: the jobs, their records, their artifacts.

A job's records are numbered 1, 2, 3, ... and an index allows one terminal record for each attempt.
It must not know folders, processes, the wire, or how rows come to the disk: that is `database`.
"""

from __future__ import annotations

import math
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import UnknownJob
from lightkiln_shared.jobs import (
    Artifact,
    JobRecord,
    JobState,
    JobSummary,
    Priority,
    Progress,
    RecordKind,
)

from .database import Database, Value

FINAL = tuple(state for state in JobState if state.is_final)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredJob:
    """A job as it stands."""

    summary: JobSummary
    attempt: int
    losses: int
    """Attempts that ended without a word since a person last asked for the job."""
    events_read: int
    """Bytes of the folder's `events.jsonl` that are in the records."""
    owner: str
    """The client that it belongs to; empty: the backend's owner."""
    again: bool
    """It only finishes a surface that another job has made."""

    @property
    def job_id(self) -> str:
        return self.summary.job_id

    @property
    def state(self) -> JobState:
        return self.summary.state

    @property
    def kind(self) -> tuple[str, ...]:
        """Jobs of one kind take about as long as each other."""
        return _kind(self.summary.method, self.summary.preset, self.again)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one transaction writes; a field that is None stays as it is."""

    records: tuple[tuple[RecordKind, str, str], ...] = ()
    """Kind, text and reason of new records, in their order."""
    state: JobState | None = None
    """The new state; it also becomes the last record."""
    reason: str = ""
    """Why the job is in its new state."""
    artifacts: tuple[Artifact, ...] = ()
    progress: Progress | None = None
    attempt: int | None = None
    losses: int | None = None
    events_read: int | None = None


class JobStore:
    """The only writer and the only reader of the database."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)

    def close(self) -> None:
        """End; everything is on disk already."""
        self.database.close()

    def add(
        self, job: JobSummary, request_id: str, owner: str = "", *, again: bool = False
    ) -> None:
        """Keep a new job with its first record; `again`: it only finishes another one's surface."""
        row = (job.job_id, _of(owner, request_id), job.created, job.title, job.method, job.preset)
        with self.database.transaction() as database:
            database.execute(
                "INSERT INTO jobs"
                " (job_id, request_id, created, title, method, preset, state, owner, again)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, job.state, owner, again),
            )
            _add_records(database, job.job_id, [(RecordKind.STATE, job.state, "")])

    def requested(self, request_id: str, owner: str = "") -> str | None:
        """The id of the job that was made for a client's request before."""
        which = "SELECT job_id FROM jobs WHERE request_id = ?"
        rows = self.database.rows(which, _of(owner, request_id))
        return rows[0][0] if rows else None

    def job(self, job_id: str) -> StoredJob:
        """One job; `UnknownJob` if there is none."""
        found = self._jobs("WHERE job_id = ?", job_id)
        if not found:
            raise _no_such_job()
        return found[0]

    def check_owner(self, job_id: str, owner: str) -> None:
        """`UnknownJob` if the job is another's, in the same words as if there were none."""
        if self.job(job_id).owner != owner:
            raise _no_such_job()

    def newest(self, limit: int, owner: str = "") -> tuple[StoredJob, ...]:
        """The newest jobs of a client, newest first."""
        which = "WHERE owner = ? ORDER BY created DESC, job_id LIMIT ?"
        return self._jobs(which, owner, limit)

    def of_everybody(self, limit: int) -> tuple[StoredJob, ...]:
        """The jobs of all clients: the unfinished ones first, each part newest first."""
        marks = ", ".join("?" * len(FINAL))
        order = f"ORDER BY state IN ({marks}), created DESC, job_id LIMIT ?"
        return self._jobs(order, *FINAL, limit)

    def in_state(self, *states: JobState) -> tuple[StoredJob, ...]:
        """All jobs in one of these states, oldest first."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks}) ORDER BY created, job_id"
        return self._jobs(where, *states)

    def finished(self, limit: int) -> tuple[tuple[tuple[str, ...], float], ...]:
        """The kinds of the newest succeeded jobs, newest first, and the seconds that each took."""
        rows = self.database.rows(
            "SELECT method, preset, again, json_extract(progress, '$.elapsed') FROM jobs"
            " WHERE state = ? AND progress IS NOT NULL ORDER BY created DESC LIMIT ?",
            *(JobState.SUCCEEDED, limit),
        )
        return tuple((_kind(*kind), seconds) for *kind, seconds in rows)

    def disposable(self, owner: str | None, before: float = math.inf) -> tuple[StoredJob, ...]:
        """Jobs of a client, or of all, that were over by then and are not kept, oldest first."""
        marks = ", ".join("?" * len(FINAL))
        which = (
            f"WHERE owner != '' AND kept = 0 AND state IN ({marks}) AND owner = coalesce(?, owner)"
            " AND (SELECT max(time) FROM records AS r WHERE r.job_id = jobs.job_id) < ?"
            " ORDER BY created, job_id"
        )
        return self._jobs(which, *FINAL, owner, before)

    def num_unfinished(self, owner: str) -> int:
        """How many jobs of a client are not over."""
        marks = ", ".join("?" * len(FINAL))
        count = f"SELECT count(*) FROM jobs WHERE owner = ? AND state NOT IN ({marks})"
        return int(self.database.rows(count, owner, *FINAL)[0][0])

    def num_kept(self, owner: str) -> int:
        """How many jobs of a client are never deleted to make room."""
        count = "SELECT count(*) FROM jobs WHERE owner = ? AND kept = 1"
        return int(self.database.rows(count, owner)[0][0])

    def forget_owner(self, owner: str) -> None:
        """Forget what a client has used that has gone."""
        with self.database.transaction() as database:
            database.execute("DELETE FROM usage WHERE owner = ?", (owner,))

    def set_priority(self, job_id: str, priority: Priority) -> None:
        """Let a job wait longer or shorter than others; `UnknownJob`."""
        self._set(job_id, "priority", priority)

    def set_kept(self, job_id: str, kept: bool) -> None:
        """Say whether a job may be deleted to make room; `UnknownJob`."""
        self._set(job_id, "kept", kept)

    def apply(self, job_id: str, change: Change) -> None:
        """Write a change, all of it or nothing."""
        columns: dict[str, str | int | None] = {
            "state": change.state,
            "reason": None if change.state is None else change.reason,
            "progress": None if change.progress is None else to_json(change.progress).decode(),
            "attempt": change.attempt,
            "losses": change.losses,
            "events_read": change.events_read,
        }
        with self.database.transaction() as database:
            _add_records(database, job_id, change.records)
            for name, value in columns.items():
                if value is not None:
                    update = f"UPDATE jobs SET {name} = ? WHERE job_id = ?"
                    database.execute(update, (value, job_id))
            if change.state is not None:
                _add_records(database, job_id, [(RecordKind.STATE, change.state, change.reason)])
            database.executemany(
                "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?)",
                [(job_id, a.name, a.size, a.sha256) for a in change.artifacts],
            )

    def records(
        self, job_id: str, since: int, limit: int
    ) -> tuple[tuple[JobRecord, JobState], ...]:
        """Records after `since`, each with the job's state after it."""
        rows = self.database.rows(
            "SELECT seq, time, kind, text, reason, state FROM records"
            " WHERE job_id = ? AND seq > ? ORDER BY seq LIMIT ?",
            *(job_id, since, limit),
        )
        return tuple(
            (
                JobRecord(seq=seq, time=at, kind=RecordKind(kind), text=text, reason=reason),
                JobState(state),
            )
            for seq, at, kind, text, reason, state in rows
        )

    def artifacts(self, job_id: str) -> tuple[Artifact, ...]:
        """The files a job has left, by name."""
        rows = self.database.rows(
            "SELECT name, size, sha256 FROM artifacts WHERE job_id = ? ORDER BY name", job_id
        )
        return tuple(Artifact(name=name, size=size, sha256=sha) for name, size, sha in rows)

    def _jobs(self, which: str, *values: Value) -> tuple[StoredJob, ...]:
        return tuple(map(_stored_job, self.database.rows(f"{_SELECT_JOB} {which}", *values)))

    def _set(self, job_id: str, column: str, value: str | bool) -> None:
        self.job(job_id)
        with self.database.transaction() as database:
            database.execute(f"UPDATE jobs SET {column} = ? WHERE job_id = ?", (value, job_id))

    def delete(self, job_id: str) -> None:
        """Forget a job."""
        with self.database.transaction() as database:
            database.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))


_SELECT_JOB = (
    "SELECT job_id, title, method, preset, state, reason, created, progress, attempt, losses,"
    " events_read, owner, priority, kept, again FROM jobs"
)


def _add_records(
    database: sqlite3.Connection, job_id: str, records: Iterable[tuple[RecordKind, str, str]]
) -> None:
    for kind, text, reason in records:
        database.execute(
            "INSERT INTO records SELECT job_id,"
            " (SELECT coalesce(max(seq), 0) + 1 FROM records AS r WHERE r.job_id = j.job_id),"
            " ?, ?, ?, ?, state, attempt FROM jobs AS j WHERE job_id = ?",
            (time.time(), kind, text, reason, job_id),
        )


def _of(owner: str, request_id: str) -> str:
    """A request's name in the database: what one client chose never meets what another one did."""
    return f"{owner}:{request_id}" if owner else request_id


def _kind(method: str, preset: str, again: bool) -> tuple[str, ...]:
    return method, preset, "again" if again else ""


def _no_such_job() -> UnknownJob:
    return UnknownJob("There is no such job on this backend.", hint="It may be deleted.")


def _stored_job(row: tuple[Any, ...]) -> StoredJob:
    job_id, title, method, preset, state, reason, created, progress, *others = row
    attempt, losses, events_read, owner, priority, kept, again = others
    summary = JobSummary(
        job_id=job_id,
        title=title,
        method=method,
        preset=preset,
        state=JobState(state),
        reason=reason,
        created=created,
        progress=None if progress is None else from_json(Progress, progress),
        priority=Priority(priority),
        kept=bool(kept),
    )
    return StoredJob(
        summary=summary,
        attempt=attempt,
        losses=losses,
        events_read=events_read,
        owner=owner,
        again=bool(again),
    )
