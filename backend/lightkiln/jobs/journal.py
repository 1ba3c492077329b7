# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's side of `events.jsonl`: lines that are appended and reach the disk at once.

Some of the disk is kept beside them, so that a run which fills it can still say so: at the first
line for which there is no space it is given back, and that line and the server's record of it fit.
It must not know what the lines lead to.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from pathlib import Path

from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import FULL
from lightkiln_shared.jobs import Artifact, RecordKind

from .folder import JobFolder, WorkerEvent

MAX_TEXT = 2000
"""Characters; an exception's text may be of any length, but a record has to fit into a message."""


RESERVE_BYTES = 2 * 1024**2
"""The server's database writes some pages for a record, and keeps a log of as many."""


class Journal:
    """Open for one attempt."""

    def __init__(self, folder: JobFolder) -> None:
        self._path, self._reserve = folder.events, folder.reserve
        self._drop_torn_line(self._path)
        self._file = self._path.open("ab", buffering=0)
        with contextlib.suppress(OSError):  # too full already: the first step will say so
            self._reserve.write_bytes(os.urandom(RESERVE_BYTES))  # zeros may be kept as nothing

    def add(self, kind: RecordKind, text: str, reason: str = "") -> None:
        """Append an event."""
        text, reason = text[:MAX_TEXT], reason[:MAX_TEXT]
        self._append(WorkerEvent(time=time.time(), kind=kind, text=text, reason=reason))

    def add_artifact(self, artifact: Artifact) -> None:
        """Append that a file is whole."""
        self._append(
            WorkerEvent(
                time=time.time(),
                kind=RecordKind.ARTIFACT,
                text=artifact.name,
                size=artifact.size,
                sha256=artifact.sha256,
            )
        )

    def close(self) -> None:
        """End; everything is on disk already."""
        self._file.close()
        self._reserve.unlink(missing_ok=True)

    def _append(self, event: WorkerEvent) -> None:
        line = to_json(event) + b"\n"
        try:
            self._write(line)
        except OSError as error:
            if error.errno not in FULL:
                raise
            self._reserve.unlink(missing_ok=True)
            self._drop_torn_line(self._path)
            self._write(line)

    def _write(self, line: bytes) -> None:
        written = self._file.write(line)
        if written != len(line):  # unbuffered, the end of the disk may come within a line
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(self._file.fileno())

    @staticmethod
    def _drop_torn_line(path: Path) -> None:
        """A worker that was killed while it wrote may have left half a line."""
        if path.exists():
            whole = path.read_bytes().rfind(b"\n") + 1
            os.truncate(path, whole)
