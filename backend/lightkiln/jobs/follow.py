# SPDX-License-Identifier: GPL-3.0-or-later
"""What is new in a running job's folder, by looking again and again.

It must not know who wants to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lightkiln_shared.codec import from_json
from lightkiln_shared.jobs import Progress, RecordKind
from lightkiln_shared.messages import PreviewImage, PreviewMesh

from .folder import JobFolder, WorkerEvent

Preview = tuple[PreviewImage | PreviewMesh, bytes]
"""The message, its `bulk` still without a stream, and its bytes."""


@dataclass(frozen=True, slots=True)
class News:
    """What came since the last look."""

    events: tuple[WorkerEvent, ...]
    events_read: int
    """Bytes of `events.jsonl` up to here."""
    progress: Progress | None
    previews: tuple[Preview, ...]

    @property
    def last_word(self) -> WorkerEvent | None:
        """The event that ends the attempt."""
        ends = [event for event in self.events if event.kind is RecordKind.STATE]
        return ends[-1] if ends else None


class Follower:
    """Looks into one folder, from a place in its events on."""

    def __init__(self, folder: JobFolder, events_read: int = 0) -> None:
        self._folder = folder
        self._events_read = events_read
        self._seen: dict[Path, tuple[int, int]] = {}

    def look(self) -> News:
        """Everything that is new."""
        events = tuple(self._new_events())
        progress = self._changed(self._folder.progress)
        return News(
            events=events,
            events_read=self._events_read,
            progress=None if progress is None else from_json(Progress, progress),
            previews=tuple(self._new_previews()),
        )

    def _new_events(self) -> Iterator[WorkerEvent]:
        if not self._folder.events.exists():
            return
        with self._folder.events.open("rb") as file:
            file.seek(self._events_read)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # it is being written
                self._events_read += len(line)
                yield from_json(WorkerEvent, line)

    def _new_previews(self) -> Iterator[Preview]:
        image = self._changed(self._folder.preview_image)
        if image is not None:
            header, _, payload = image.partition(b"\n")
            yield from_json(PreviewImage, header), payload
        mesh = self._changed(self._folder.preview_mesh)
        if mesh is not None:
            header, _, payload = mesh.partition(b"\n")
            yield from_json(PreviewMesh, header), payload

    def _changed(self, path: Path) -> bytes | None:
        try:
            found = path.stat()
            version = found.st_mtime_ns, found.st_ino
            if self._seen.get(path) == version:
                return None
            self._seen[path] = version
            return path.read_bytes()
        except OSError:
            return None  # not there yet, or, on Windows, being replaced
