# SPDX-License-Identifier: GPL-3.0-or-later
"""Who looks at which job, from where, and what they would see first.

It must not know connections, folders or states.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

from lightkiln_shared.camera import Camera
from lightkiln_shared.messages import JobProgressed, PreviewImage, PreviewMesh

LatestWins = JobProgressed | PreviewImage | PreviewMesh


class Watcher(Protocol):
    """Somebody who follows jobs. Both calls return at once."""

    def recorded(self, job_id: str) -> None:
        """The job has records that were not there before."""

    def happened(self, event: LatestWins, payload: bytes) -> None:
        """Something that replaces what was said before of the same job."""


class Watchers:
    """All of them, by job."""

    def __init__(self) -> None:
        self._cameras: defaultdict[str, dict[Watcher, Camera | None]] = defaultdict(dict)
        self._latest: defaultdict[str, dict[str, tuple[LatestWins, bytes]]] = defaultdict(dict)

    def add(self, job_id: str, watcher: Watcher) -> None:
        """Begin to follow; what was shown last is shown again."""
        self._cameras[job_id].setdefault(watcher, None)
        for event, payload in self._latest.get(job_id, {}).values():
            watcher.happened(event, payload)

    def remove(self, job_id: str, watcher: Watcher) -> None:
        """Stop following."""
        self._cameras[job_id].pop(watcher, None)
        if not self._cameras[job_id]:
            del self._cameras[job_id]

    def followed_by(self, watcher: Watcher) -> tuple[str, ...]:
        """The jobs that somebody follows."""
        return tuple(job for job, cameras in self._cameras.items() if watcher in cameras)

    def look_from(self, job_id: str, watcher: Watcher, camera: Camera | None) -> None:
        """Remember where somebody looks from; the last one to move is shown pictures."""
        cameras = self._cameras[job_id]
        cameras.pop(watcher, None)
        cameras[watcher] = camera

    def is_watched(self, job_id: str) -> bool:
        """True while anybody follows the job."""
        return job_id in self._cameras

    def camera(self, job_id: str) -> Camera | None:
        """Where pictures are wanted from."""
        wanted = [camera for camera in self._of(job_id).values() if camera is not None]
        return wanted[-1] if wanted else None

    def recorded(self, job_id: str) -> None:
        """Tell that a job has new records."""
        for watcher in tuple(self._of(job_id)):
            watcher.recorded(job_id)

    def happened(self, event: LatestWins, payload: bytes = b"") -> None:
        """Show something, and keep it for those who come later."""
        self._latest[event.job_id][event.kind] = event, payload
        for watcher in tuple(self._of(event.job_id)):
            watcher.happened(event, payload)

    def forget_latest(self, job_id: str) -> None:
        """Nothing is shown any more: the run has ended."""
        self._latest.pop(job_id, None)

    def _of(self, job_id: str) -> dict[Watcher, Camera | None]:
        return self._cameras.get(job_id, {})
