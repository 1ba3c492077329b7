# SPDX-License-Identifier: GPL-3.0-or-later
"""256 strangers who hold on to their sockets, for a minute, while clients work.

    python -m campaigns.strangers

Half of them say nothing, half a byte of a TLS greeting every second; whoever is thrown out comes
back at once. Those who are known go on as if nobody was there, and one who comes meanwhile from
another address gets in.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path

import psutil
from running_server import RunningServer
from wire_client import connected

from campaigns import stage
from campaigns.lean_client import LeanClient, frames
from campaigns.results import expect, keep

STRANGERS = 256
SECONDS = 60.0
CLIENTS = 4
RATE = 20.0
MAX_P99_MS = 250.0
MAX_STAY = 10.0
MAX_GROWTH_MB = 32.0
ELSEWHERE = "127.0.0.2"
"""Where all strangers come from; on Linux the whole network 127 is this machine."""
GREETING = bytes.fromhex("160301020001") + bytes(512)


class Siege:
    """What the strangers and the clients saw."""

    def __init__(self, server: RunningServer) -> None:
        self.stays: list[float] = []
        """Seconds until each stranger was thrown out."""
        self.entries: list[float] = []
        """Seconds in which a new client came in meanwhile."""
        self.memory_mb: list[float] = []
        self._server = server
        self._process = psutil.Process(server.process.pid)

    async def run(self) -> list[float]:
        """Returns the waits of the clients, in seconds."""
        said = frames(round(RATE * SECONDS), self._server.token)
        clients = [LeanClient(said) for _ in range(CLIENTS)]
        for client in clients:
            await client.connect(self._server.port)
        self._look()
        strangers = [asyncio.create_task(self._stranger(i % 2 == 0)) for i in range(STRANGERS)]
        others = [asyncio.create_task(each) for each in (self._watch(), self._come_in())]
        start = time.monotonic()
        await asyncio.gather(*(client.ask(RATE, start) for client in clients))
        for client in clients:
            await client.end()
        for task in (*strangers, *others):
            task.cancel()
        ended = await asyncio.gather(*strangers, *others, return_exceptions=True)
        failed = [end for end in ended if isinstance(end, Exception)]
        expect(not failed, f"{failed}")
        return [wait for client in clients for wait in client.waits]

    async def _stranger(self, is_silent: bool) -> None:
        while True:
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", self._server.port, local_addr=(ELSEWHERE, 0)
            )
            came = time.monotonic()
            try:
                with contextlib.suppress(ConnectionError):
                    await asyncio.wait_for(self._stay(reader, writer, is_silent), 2 * MAX_STAY)
            finally:
                writer.transport.abort()
            self.stays.append(time.monotonic() - came)
            await asyncio.sleep(1.0)

    async def _stay(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, is_silent: bool
    ) -> None:
        over = asyncio.ensure_future(reader.read())
        for byte in b"" if is_silent else GREETING:
            writer.write(bytes([byte]))
            if (await asyncio.wait({over}, timeout=1.0))[0]:
                break
        await over

    async def _come_in(self) -> None:
        while True:
            await asyncio.sleep(2.0)
            start = time.monotonic()
            async with connected(self._server.port, self._server.token):
                self.entries.append(time.monotonic() - start)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(0.2)
            self._look()

    def _look(self) -> None:
        self.memory_mb.append(self._process.memory_info().rss / 2**20)


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        stage.server(Path(folder) / "data") as (running,),
    ):
        siege = Siege(running)
        waits = asyncio.run(siege.run())
    p99, longest = 1000 * stage.quantile(waits, 0.99), max(siege.stays)
    growth = max(siege.memory_mb) - siege.memory_mb[0]
    expect(len(waits) == CLIENTS * RATE * SECONDS, f"{len(waits)} answers")
    expect(p99 <= MAX_P99_MS, f"clients waited {p99:.0f} ms")
    expect(longest <= MAX_STAY, f"a stranger stayed {longest:.1f} s")
    expect(growth <= MAX_GROWTH_MB, f"the server grew by {growth:.0f} MB")
    keep(
        "P10",
        turned_away=len(siege.stays),
        p99_ms=round(p99),
        longest_s=round(longest, 1),
        growth_mb=round(growth, 1),
        entries=len(siege.entries),
        slowest_entry_s=round(max(siege.entries), 2),
    )


if __name__ == "__main__":
    main()
