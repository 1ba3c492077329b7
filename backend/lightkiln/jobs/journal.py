# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's side of `events.jsonl`: lines that are appended and reach the disk at once.

It must not know what the lines lead to.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from lightkiln_shared.codec import to_json
from lightkiln_shared.jobs import Artifact, RecordKind

from .folder import WorkerEvent

MAX_TEXT = 2000
"""Characters; an exception's text may be of any length, but a record has to fit into a message."""


class Journal:
    """Open for one attempt."""

    def __init__(self, path: Path) -> None:
        self._drop_torn_line(path)
        self._file = path.open("ab", buffering=0)

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

    def _append(self, event: WorkerEvent) -> None:
        self._file.write(to_json(event) + b"\n")
        os.fsync(self._file.fileno())

    @staticmethod
    def _drop_torn_line(path: Path) -> None:
        """A worker that was killed while it wrote may have left half a line."""
        if path.exists():
            whole = path.read_bytes().rfind(b"\n") + 1
            os.truncate(path, whole)
