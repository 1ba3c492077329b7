# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of all jobs, in one SQLite file: the jobs, their records, their artifacts.

WAL, `synchronous=FULL`, one connection used by one thread: what a method here has returned from
outlasts a loss of power. A job's records are numbered 1, 2, 3, ... and an index allows one terminal
record for each attempt.
It must not know folders, processes or the wire.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import ResourceError, UnknownJob
from lightkiln_shared.jobs import Artifact, JobRecord, JobState, JobSummary, Progress, RecordKind

SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, created REAL NOT NULL,
    title TEXT NOT NULL, method TEXT NOT NULL, preset TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', progress TEXT,
    attempt INTEGER NOT NULL DEFAULT 1, losses INTEGER NOT NULL DEFAULT 0,
    events_read INTEGER NOT NULL DEFAULT 0, owner TEXT NOT NULL DEFAULT ''
);
CREATE TABLE IF NOT EXISTS records (
    job_id TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, seq INTEGER NOT NULL,
    time REAL NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, reason TEXT NOT NULL,
    state TEXT NOT NULL, attempt INTEGER NOT NULL, PRIMARY KEY (job_id, seq)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS one_end ON records (job_id, attempt)
    WHERE kind = 'state' AND state IN ('succeeded', 'failed', 'cancelled');
CREATE TABLE IF NOT EXISTS artifacts (
    job_id TEXT NOT NULL REFERENCES jobs ON DELETE CASCADE, name TEXT NOT NULL,
    size INTEGER NOT NULL, sha256 TEXT NOT NULL, PRIMARY KEY (job_id, name)
) WITHOUT ROWID;
"""

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

    @property
    def job_id(self) -> str:
        return self.summary.job_id

    @property
    def state(self) -> JobState:
        return self.summary.state


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
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        self._prepare()

    def _prepare(self) -> None:
        try:
            sound = self._database.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        except sqlite3.DatabaseError:
            sound = False
        if not sound:
            raise ResourceError(
                f"The list of jobs is damaged: {self._path}.",
                hint="Move the file away and start again; the jobs' folders stay.",
            )
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("PRAGMA foreign_keys = ON")
        self._database.executescript(SCHEMA)
        self._add_owners()

    def _add_owners(self) -> None:
        """Jobs of a database from before there were clients belong to the backend's owner."""
        columns = {row[1] for row in self._rows("PRAGMA table_info(jobs)")}
        if "owner" not in columns:
            self._database.execute("ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT ''")

    def close(self) -> None:
        """End; everything is on disk already."""
        self._database.close()

    def add(self, job: JobSummary, request_id: str, owner: str = "") -> None:
        """Keep a new job with its first record."""
        row = (job.job_id, _of(owner, request_id), job.created, job.title, job.method, job.preset)
        with self._transaction():
            self._database.execute(
                "INSERT INTO jobs"
                " (job_id, request_id, created, title, method, preset, state, owner)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (*row, job.state, owner),
            )
            self._add_records(job.job_id, [(RecordKind.STATE, job.state, "")])

    def requested(self, request_id: str, owner: str = "") -> str | None:
        """The id of the job that was made for a client's request before."""
        rows = self._rows("SELECT job_id FROM jobs WHERE request_id = ?", _of(owner, request_id))
        return rows[0][0] if rows else None

    def job(self, job_id: str) -> StoredJob:
        """One job; `UnknownJob` if there is none."""
        rows = self._rows(f"{_SELECT_JOB} WHERE job_id = ?", job_id)
        if not rows:
            raise _no_such_job()
        return _stored_job(rows[0])

    def check_owner(self, job_id: str, owner: str) -> None:
        """`UnknownJob` if the job is another's, in the same words as if there were none."""
        if self.job(job_id).owner != owner:
            raise _no_such_job()

    def newest(self, limit: int, owner: str = "") -> tuple[StoredJob, ...]:
        """The newest jobs of a client, newest first."""
        which = "WHERE owner = ? ORDER BY created DESC, job_id LIMIT ?"
        return tuple(_stored_job(row) for row in self._rows(f"{_SELECT_JOB} {which}", owner, limit))

    def of_everybody(self, limit: int) -> tuple[StoredJob, ...]:
        """The jobs of all clients: the unfinished ones first, each part newest first."""
        marks = ", ".join("?" * len(FINAL))
        order = f"ORDER BY state IN ({marks}), created DESC, job_id LIMIT ?"
        return tuple(map(_stored_job, self._rows(f"{_SELECT_JOB} {order}", *FINAL, limit)))

    def in_state(self, *states: JobState) -> tuple[StoredJob, ...]:
        """All jobs in one of these states, oldest first."""
        marks = ", ".join("?" * len(states))
        where = f"WHERE state IN ({marks}) ORDER BY created, job_id"
        return tuple(_stored_job(row) for row in self._rows(f"{_SELECT_JOB} {where}", *states))

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
        with self._transaction():
            self._add_records(job_id, change.records)
            for name, value in columns.items():
                if value is not None:
                    update = f"UPDATE jobs SET {name} = ? WHERE job_id = ?"
                    self._database.execute(update, (value, job_id))
            if change.state is not None:
                self._add_records(job_id, [(RecordKind.STATE, change.state, change.reason)])
            self._database.executemany(
                "INSERT OR REPLACE INTO artifacts VALUES (?, ?, ?, ?)",
                [(job_id, a.name, a.size, a.sha256) for a in change.artifacts],
            )

    def records(
        self, job_id: str, since: int, limit: int
    ) -> tuple[tuple[JobRecord, JobState], ...]:
        """Records after `since`, each with the job's state after it."""
        rows = self._rows(
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
        rows = self._rows(
            "SELECT name, size, sha256 FROM artifacts WHERE job_id = ? ORDER BY name", job_id
        )
        return tuple(Artifact(name=name, size=size, sha256=sha) for name, size, sha in rows)

    def delete(self, job_id: str) -> None:
        """Forget a job."""
        with self._transaction():
            self._database.execute("DELETE FROM jobs WHERE job_id = ?", (job_id,))

    def _add_records(self, job_id: str, records: Iterable[tuple[RecordKind, str, str]]) -> None:
        for kind, text, reason in records:
            self._database.execute(
                "INSERT INTO records SELECT job_id,"
                " (SELECT coalesce(max(seq), 0) + 1 FROM records AS r WHERE r.job_id = j.job_id),"
                " ?, ?, ?, ?, state, attempt FROM jobs AS j WHERE job_id = ?",
                (time.time(), kind, text, reason, job_id),
            )

    def _rows(self, query: str, *values: str | int) -> list[Any]:
        with closing(self._database.execute(query, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._database.execute("BEGIN IMMEDIATE")
            with self._database:  # commits, or rolls back on an error
                yield
        except sqlite3.OperationalError as error:
            raise ResourceError(
                f"The list of jobs cannot be written: {error}.",
                hint="Free some space on the backend's disk.",
            ) from None


_SELECT_JOB = (
    "SELECT job_id, title, method, preset, state, reason, created, progress, attempt, losses,"
    " events_read, owner FROM jobs"
)


def _of(owner: str, request_id: str) -> str:
    """A request's name in the database: what one client chose never meets what another one did."""
    return f"{owner}:{request_id}" if owner else request_id


def _no_such_job() -> UnknownJob:
    return UnknownJob("There is no such job on this backend.", hint="It may be deleted.")


def _stored_job(row: tuple[Any, ...]) -> StoredJob:
    job_id, title, method, preset, state, reason, created, progress, *others = row
    attempt, losses, events_read, owner = others
    summary = JobSummary(
        job_id=job_id,
        title=title,
        method=method,
        preset=preset,
        state=JobState(state),
        reason=reason,
        created=created,
        progress=None if progress is None else from_json(Progress, progress),
    )
    return StoredJob(
        summary=summary, attempt=attempt, losses=losses, events_read=events_read, owner=owner
    )
