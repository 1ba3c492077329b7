# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQLite file of a data folder: its tables, how it is opened, and its transactions.

WAL, `synchronous=FULL`, one connection used by one thread: what a transaction here has returned
from outlasts a loss of power. It must not know what the rows mean.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from lightkiln_shared.errors import ResourceError

Value = str | int | float | None
SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    job_id TEXT PRIMARY KEY, request_id TEXT NOT NULL UNIQUE, created REAL NOT NULL,
    title TEXT NOT NULL, method TEXT NOT NULL, preset TEXT NOT NULL,
    state TEXT NOT NULL, reason TEXT NOT NULL DEFAULT '', progress TEXT,
    attempt INTEGER NOT NULL DEFAULT 1, losses INTEGER NOT NULL DEFAULT 0,
    events_read INTEGER NOT NULL DEFAULT 0
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
CREATE TABLE IF NOT EXISTS usage (
    owner TEXT PRIMARY KEY, seconds REAL NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
"""
LATER_COLUMNS = {
    "owner": "TEXT NOT NULL DEFAULT ''",
    "priority": "TEXT NOT NULL DEFAULT 'normal'",
    "kept": "INTEGER NOT NULL DEFAULT 0",
    "again": "INTEGER NOT NULL DEFAULT 0",
}
"""Of jobs: what a database that an earlier version has made lacks."""


class Database:
    """An open one; `ResourceError` if the file is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        path.chmod(0o600)
        self._prepare()

    def close(self) -> None:
        """End; everything is on disk already."""
        self._connection.close()

    def rows(self, query: str, *values: Value) -> list[Any]:
        """What a query finds."""
        with closing(self._connection.execute(query, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written within, or nothing; `ResourceError` if the disk takes it not."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            with self._connection:  # commits, or rolls back on an error
                yield self._connection
        except sqlite3.OperationalError as error:
            raise ResourceError(
                f"The list of jobs cannot be written: {error}.",
                hint="Free some space on the backend's disk.",
            ) from None

    def _prepare(self) -> None:
        try:
            sound = self._connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        except sqlite3.DatabaseError:
            sound = False
        if not sound:
            raise ResourceError(
                f"The list of jobs is damaged: {self._path}.",
                hint="Move the file away and start again; the jobs' folders stay.",
            )
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA foreign_keys = ON")
        self._connection.executescript(SCHEMA)
        known = {row[1] for row in self.rows("PRAGMA table_info(jobs)")}
        for name, kind in LATER_COLUMNS.items():
            if name not in known:
                self._connection.execute(f"ALTER TABLE jobs ADD COLUMN {name} {kind}")
