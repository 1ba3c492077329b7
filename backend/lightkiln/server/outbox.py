# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits to be written to one client, in the order in which it should go.

Replies, records and credit go first, as they come. An event of which only the newest counts waits
in a place of its own, where a newer one replaces it; it is announced once the bulk of the one
before is through, so a slow client has one on its way and one waiting, and no more. Bulk goes last,
the streams taking turns, as the client's credit allows.
It must not know sockets or what the messages mean.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from io import BytesIO
from typing import IO

from lightkiln_shared.errors import BackendLost
from lightkiln_shared.messages import ArtifactData, Bulk, Event, JobProgressed, Reply
from lightkiln_shared.session import Session

from lightkiln.jobs.watchers import LatestWins

from . import limits

Key = tuple[str, ...]


@dataclass(slots=True)
class _Sending:
    source: IO[bytes]
    left: int
    """Bytes."""
    key: Key | None = None
    """What the bytes are the newest of."""


class Outbox:
    """Filled by anyone, emptied by the connection's writer."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._frames: deque[bytes] = deque()
        self._num_bytes = 0
        self._latest: dict[Key, tuple[LatestWins, bytes]] = {}
        self._streams: dict[int, _Sending] = {}
        self._wake = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()

    def put(self, frame: bytes) -> None:
        """Add a frame that must arrive."""
        self._frames.append(frame)
        self._num_bytes += len(frame)
        if self._num_bytes > limits.OUTBOX_BYTES:
            self._room.clear()
        self._wake.set()

    def put_reply(self, reply: Reply, request_id: int) -> None:
        """Add the answer to a request."""
        self.put(self._session.reply(reply, request_id))

    def put_file(self, reply: ArtifactData, request_id: int, source: IO[bytes]) -> None:
        """Add an answer whose bulk is read from a file; the file is closed in the end."""
        bulk = self._session.announce(reply.bulk.size)
        self._open(bulk, source, None)
        self.put_reply(replace(reply, bulk=bulk), request_id)

    def put_event(self, event: Event) -> None:
        """Add an event that must arrive."""
        self.put(self._session.event(event))

    def put_latest(self, event: LatestWins, payload: bytes) -> None:
        """Add an event that replaces a waiting one about the same."""
        key = (event.kind, *(getattr(event, name) for name in event.coalesce_by))
        self._latest[key] = event, payload
        self._wake.set()

    def forget(self, job_id: str) -> None:
        """Drop what waits about a job that nobody follows any more."""
        for key in [key for key, (event, _) in self._latest.items() if event.job_id == job_id]:
            del self._latest[key]

    def wake(self) -> None:
        """Credit has come, or records are there to be fetched."""
        self._wake.set()

    async def wait(self) -> None:
        """Return when there may be something to write."""
        await self._wake.wait()
        self._wake.clear()

    async def room(self) -> None:
        """Return when not too much is waiting."""
        await self._room.wait()

    async def take(self) -> list[bytes]:
        """What may be written now; empty: nothing."""
        self._announce_latest()
        return self.take_frames() or await self._take_bulk()

    def take_frames(self) -> list[bytes]:
        """The frames that must arrive, without any bulk."""
        taken, self._frames, self._num_bytes = list(self._frames), deque(), 0
        self._room.set()
        return taken

    def close(self) -> None:
        """Close the files that were being sent."""
        for sending in self._streams.values():
            sending.source.close()

    def _announce_latest(self) -> None:
        busy = {sending.key for sending in self._streams.values()}
        for key in [key for key in self._latest if key not in busy]:
            event, payload = self._latest.pop(key)
            if not isinstance(event, JobProgressed):
                bulk = self._session.announce(len(payload))
                self._open(bulk, BytesIO(payload), key)
                event = replace(event, bulk=bulk)
            self.put_event(event)

    def _open(self, bulk: Bulk, source: IO[bytes], key: Key | None) -> None:
        if bulk.size > 0:
            self._streams[bulk.stream] = _Sending(source, bulk.size, key)
        else:
            source.close()

    async def _take_bulk(self) -> list[bytes]:
        for stream, sending in self._streams.items():
            size = self._session.sendable(stream)
            if size > 0:
                chunk = await asyncio.to_thread(sending.source.read, size)
                if len(chunk) != size:
                    raise BackendLost("A file became shorter while it was being sent.")
                self._took(stream, sending, size)
                return [self._session.data_header(stream, size), chunk]
        return []

    def _took(self, stream: int, sending: _Sending, size: int) -> None:
        """The other streams have their turn before this one is served again."""
        del self._streams[stream]
        sending.left -= size
        if sending.left > 0:
            self._streams[stream] = sending
        else:
            sending.source.close()
