# SPDX-License-Identifier: GPL-3.0-or-later
"""The durable records of followed jobs, fetched from the store when a client can take them.

A client has a place in each job it follows; what is sent is what lies behind that place. So nothing
is sent twice, nothing is left out, and nothing waits in memory for a slow client.
It must not know sockets.
"""

from __future__ import annotations

from lightkiln_shared.messages import JobRecorded

from lightkiln.jobs.queue import JobQueue

AT_ONCE = 100


class RecordCursor:
    """Where one client is in the jobs it follows."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self._places: dict[str, int] = {}
        self._changed: set[str] = set()

    def follow(self, job_id: str, since: int) -> None:
        """Fetch from after `since` on."""
        self._places[job_id] = since
        self._changed.add(job_id)

    def leave(self, job_id: str) -> None:
        """Fetch no more."""
        self._places.pop(job_id, None)
        self._changed.discard(job_id)

    def touch(self, job_id: str) -> None:
        """The job has new records."""
        if job_id in self._places:
            self._changed.add(job_id)

    async def fetch(self) -> list[JobRecorded]:
        """The next records of one job that has new ones; empty: there are none."""
        if not self._changed:
            return []
        job_id = self._changed.pop()
        place = self._places[job_id]
        found = await self._queue.records(job_id, place, AT_ONCE)
        if self._places.get(job_id) != place:
            return []  # left, or begun again elsewhere, while the store was asked
        if len(found) == AT_ONCE:
            self._changed.add(job_id)
        if found:
            self._places[job_id] = found[-1][0].seq
        return [JobRecorded(job_id=job_id, state=state, record=record) for record, state in found]
