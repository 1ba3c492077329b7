# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of a stream that a client sends, handed on as they come.

Whoever reads them gives the client credit by reading, so at most a stream's credit waits here.
It must not know what the bytes are.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from lightkiln_shared.errors import BackendLost
from lightkiln_shared.messages import Bulk
from lightkiln_shared.session import Session

from .outbox import Outbox


class IncomingStream:
    """Filled by the connection's reader, read by one handler."""

    def __init__(self, session: Session, outbox: Outbox, bulk: Bulk) -> None:
        self._session, self._outbox = session, outbox
        self._stream, self._left = bulk.stream, bulk.size
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._abandoned = False

    def add(self, chunk: bytes) -> None:
        """Some bytes have come."""
        if self._abandoned:
            self._credit(len(chunk))
        else:
            self._chunks.put_nowait(chunk)

    def cut(self) -> None:
        """No more will come: the connection has ended."""
        self._chunks.put_nowait(None)

    def abandon(self) -> None:
        """Nobody wants the rest: let it come and forget it."""
        self._abandoned = True
        while not self._chunks.empty():
            self._credit(len(self._chunks.get_nowait() or b""))

    async def chunks(self) -> AsyncIterator[bytes]:
        """The bytes, to the announced size; `BackendLost` if they are cut."""
        while self._left > 0:
            chunk = await self._chunks.get()
            if chunk is None:
                raise BackendLost("The connection ended within a file.")
            yield chunk
            self._left -= len(chunk)
            self._credit(len(chunk))

    def _credit(self, size: int) -> None:
        self._outbox.put(self._session.consumed(self._stream, size))
