# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that costs next to nothing, so that what is measured is the server.

Its requests are framed before the clock runs, and of the answers only the headers are looked at.
"""

from __future__ import annotations

import asyncio
import time

from lightkiln_shared.messages import Hello, ListJobs
from lightkiln_shared.session import HEADER, Frame, Session, Side
from wire_client import tls_context

PONG = HEADER.pack(Frame.PONG, 0, 0)


def frames(count: int, token: str) -> list[bytes]:
    """A hello and `count` requests for the list of jobs, numbered as a session would."""
    session = Session(Side.CLIENT)
    hello = session.request(Hello(protocols=(1,), client="campaign", token=token))[1]
    return [hello, *(session.request(ListJobs())[1] for _ in range(count))]


class LeanClient:
    """One connection that asks at a steady pace."""

    def __init__(self, said: list[bytes]) -> None:
        self.waits: list[float] = []
        """Seconds between each request and its answer."""
        self._said = said
        self._asked_at: list[float] = []
        self._welcome = asyncio.Event()

    async def connect(self, port: int) -> None:
        """Come in; the answer to the hello has come when this returns."""
        ends = await asyncio.open_connection("127.0.0.1", port, ssl=tls_context())
        self._reader, self._writer = ends
        self._reading = asyncio.create_task(self._read())
        self._writer.write(self._said[0])
        await asyncio.wait_for(self._welcome.wait(), 10)

    async def ask(self, rate: float, start: float) -> None:
        """Send every request at its time, whatever has become of the ones before."""
        for number, frame in enumerate(self._said[1:]):
            due = start + number / rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self._asked_at.append(due)  # who is late himself makes the answer late
            self._writer.write(frame)

    async def end(self) -> None:
        """Wait for the last answers and go."""
        for _ in range(200):
            if len(self.waits) == len(self._asked_at) or self._reading.done():
                break
            await asyncio.sleep(0.05)
        self._reading.cancel()
        self._writer.transport.abort()
        await asyncio.gather(self._reading, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            frame, _, length = HEADER.unpack(await self._reader.readexactly(HEADER.size))
            await self._reader.readexactly(length)
            if frame == Frame.PING:
                self._writer.write(PONG)
            elif frame == Frame.CONTROL and not self._welcome.is_set():
                self._welcome.set()
            elif frame == Frame.CONTROL:
                self.waits.append(time.monotonic() - self._asked_at[len(self.waits)])
