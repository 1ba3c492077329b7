# SPDX-License-Identifier: GPL-3.0-or-later
"""A bad line: stands between a client and a server and delays, narrows, slices or cuts what passes.

It runs in a thread of its own and knows nothing of what it passes on.
"""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass
from types import TracebackType

READ_BYTES = 64 * 1024
AT_ONCE = struct.pack("ii", 1, 0)
"""`SO_LINGER`: an end is a reset."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """What is wrong with the line; nothing, if nothing is given."""

    latency: float = 0.0
    jitter: float = 0.0
    """Seconds that each piece takes, give or take, each way; the order stays."""
    rate: float = 0.0
    """Bytes a second, each way; 0: any."""
    piece: int = READ_BYTES
    """Bytes that arrive at once, at most."""
    reset_every: float = 0.0
    """Seconds between resets on average; 0: never."""


class ChaosProxy:
    """Use it in a `with`; `line` and `target` may change while it runs."""

    def __init__(self, target: int, line: Line, rng: random.Random) -> None:
        self.target, self.line = target, line
        self.port = 0
        self.resets = 0
        self.passed = 0
        """Bytes, both ways together."""
        self._rng = rng
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._is_ready, self._thread = threading.Event(), threading.Thread(target=self._run)

    def __enter__(self) -> ChaosProxy:
        self._thread.start()
        self._is_ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join()

    def reset(self) -> None:
        """Cut all that is open now."""
        self._loop.call_soon_threadsafe(self._cut)

    def _run(self) -> None:
        self._main = self._loop.create_task(self._serve())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        finally:
            tasks = asyncio.all_tasks(self._loop)
            for task in tasks:
                task.cancel()
            if tasks:
                self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._pass_on, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        self._is_ready.set()
        try:
            while True:
                await asyncio.sleep(0.1)
                mean = self.line.reset_every
                if mean and self._rng.random() < 0.1 / mean:
                    self._cut()
        finally:
            server.close()
            self._cut()

    def _cut(self) -> None:
        self.resets += bool(self._open)
        for writer in self._open:
            plain = writer.get_extra_info("socket")
            if plain.fileno() >= 0:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            writer.transport.abort()
        self._open.clear()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._open |= both
        ways = self._way(reader, far_writer), self._way(far_reader, writer)
        try:
            await asyncio.gather(*ways, return_exceptions=True)
        except asyncio.CancelledError:
            pass  # the proxy ends; asyncio would report this task's end as a fault
        finally:
            self._open -= both
            for each in both:
                each.transport.abort()

    async def _way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(64)
        arriving = asyncio.create_task(self._arrive(waiting, writer))
        sent_at = 0.0
        try:
            while data := await reader.read(READ_BYTES):
                for at in range(0, len(data), self.line.piece):
                    piece = data[at : at + self.line.piece]
                    sent_at = max(sent_at, time.monotonic())
                    if self.line.rate:
                        sent_at += len(piece) / self.line.rate
                    wobble = self._rng.uniform(-self.line.jitter, self.line.jitter)
                    await waiting.put((sent_at + self.line.latency + wobble, piece))
            await waiting.put((sent_at + self.line.latency, b""))
            await arriving
        finally:
            arriving.cancel()

    async def _arrive(
        self, waiting: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        while True:
            due, piece = await waiting.get()
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            if not piece:
                writer.write_eof()
                return
            writer.write(piece)
            self.passed += len(piece)
            await writer.drain()
