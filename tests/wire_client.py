# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the wire for tests, on asyncio: small, strict, and not the one that ships.

Events are kept in the order in which they came; the bytes of a bulk come with their message.
"""

from __future__ import annotations

import asyncio
import hashlib
import ssl
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from lightkiln.capture.open_scene import open_scene
from lightkiln.server.certificate import ALPN
from lightkiln_shared.codec import to_json
from lightkiln_shared.errors import from_code
from lightkiln_shared.messages import (
    Bulk,
    Event,
    Failed,
    FileOffer,
    Hello,
    JobProgressed,
    JobRecorded,
    OfferFiles,
    PutFile,
    ReadArtifact,
    Reply,
    Request,
    SubmitJob,
    WatchJob,
    Welcome,
)
from lightkiln_shared.session import Closed, CreditGrown, Data, Incoming, Pinged, Session, Side
from running_server import RunningServer

PATIENCE = 100.0
"""Seconds in which an event must come."""
TALK_SECONDS = 150.0
"""For all that a test says: what is slow must be seen to be slow, not cut off."""
R = TypeVar("R", bound=Reply)
E = TypeVar("E", bound=Event)


def tls_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([ALPN])
    return context


class Client:
    """Requests are awaited; `events` grows by itself."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.session = Session(Side.CLIENT)
        self.reader, self.writer = reader, writer
        self.events: list[tuple[Any, bytes]] = []
        self.closed_because = ""
        self.is_over = asyncio.Event()
        self._changed = asyncio.Condition()
        self._replies: dict[int, asyncio.Future[tuple[Any, bytes]]] = {}
        self._partial: dict[int, tuple[Any, int, bytearray]] = {}
        self._reading = asyncio.create_task(self._read())

    async def ask(self, request: Request[R]) -> R:
        """Send a request and return its reply; a `Failed` one is raised."""
        reply, _ = await self.ask_with_bytes(request)
        return reply

    async def ask_with_bytes(self, request: Request[R]) -> tuple[R, bytes]:
        frame, reply = self.begin(request)
        self.writer.write(frame)
        await self.writer.drain()
        return await asyncio.wait_for(reply, 30)

    def begin(self, request: Request[R]) -> tuple[bytes, asyncio.Future[tuple[R, bytes]]]:
        """What is to be written, and the reply to come."""
        number, frame = self.session.request(request)
        self._replies[number] = asyncio.get_running_loop().create_future()
        return frame, self._replies[number]

    async def event(self, kind: type[E], test: Callable[[E], bool] = lambda _: True) -> E:
        """The first event of that kind that passes the test, come or to come."""
        return (await self.event_with_bytes(kind, test))[0]

    async def event_with_bytes(
        self, kind: type[E], test: Callable[[E], bool] = lambda _: True
    ) -> tuple[E, bytes]:
        def found() -> list[tuple[E, bytes]]:
            return [pair for pair in self.events if isinstance(pair[0], kind) and test(pair[0])]

        async with self._changed:
            has_come = self._changed.wait_for(lambda: found() or self.is_over.is_set())
            await asyncio.wait_for(has_come, PATIENCE)
        if not found():
            raise ConnectionError(self.closed_because or "closed")
        return found()[0]

    async def until(self, job_id: str, *states: str) -> JobRecorded:
        """The record with which the job enters one of the states."""
        return await self.event(
            JobRecorded,
            lambda e: e.job_id == job_id and e.record.kind == "state" and e.record.text in states,
        )

    async def upload(self, data: bytes, *, pieces: int = 256 * 1024) -> str:
        """Offer some bytes and send what the server lacks of them."""
        sha256 = hashlib.sha256(data).hexdigest()
        wanted = await self.ask(OfferFiles(files=(FileOffer(sha256=sha256, size=len(data)),)))
        for file in wanted.files:
            await self.put(sha256, data, file.offset, pieces)
        return sha256

    async def put(self, sha256: str, data: bytes, offset: int, pieces: int = 256 * 1024) -> None:
        bulk = self.session.announce(len(data) - offset)
        request = PutFile(sha256=sha256, size=len(data), offset=offset, bulk=bulk)
        answer = asyncio.create_task(self.ask(request))
        await asyncio.sleep(0)
        await self.stream(bulk.stream, data[offset:], pieces)
        await answer

    async def stream(self, stream: int, data: bytes, pieces: int) -> None:
        while data and not self.is_over.is_set():
            size = min(self.session.sendable(stream), pieces, len(data))
            if size == 0:
                async with self._changed:
                    await asyncio.wait_for(self._changed.wait(), 30)
                continue
            self.writer.write(self.session.data_header(stream, size) + data[:size])
            await self.writer.drain()
            data = data[size:]

    async def send_scene(self, folder: Path) -> str:
        """Upload a scene's files and its document; returns the document's SHA-256."""
        scene, files = open_scene(folder)
        for path in files.values():
            await self.upload(path.read_bytes())
        return await self.upload(to_json(scene))

    async def submit(self, scene: str, **params: Any) -> str:
        accepted = await self.ask(submission(scene, **params))
        return accepted.job_id

    async def artifact(self, job_id: str, name: str, offset: int = 0) -> bytes:
        request = ReadArtifact(job_id=job_id, name=name, offset=offset)
        return (await self.ask_with_bytes(request))[1]

    def records(self, job_id: str) -> list[JobRecorded]:
        return [e for e, _ in self.events if isinstance(e, JobRecorded) and e.job_id == job_id]

    def progress(self, job_id: str) -> list[JobProgressed]:
        return [e for e, _ in self.events if isinstance(e, JobProgressed) and e.job_id == job_id]

    async def close(self) -> None:
        self._reading.cancel()
        self.writer.transport.abort()
        await asyncio.gather(self._reading, return_exceptions=True)

    # ------------------------------------------------------------ receiving

    async def _read(self) -> None:
        try:
            while data := await self.reader.read(1024 * 1024):
                for received in self.session.receive(data):
                    self._take(received)
                async with self._changed:
                    self._changed.notify_all()
        except ConnectionError:
            pass
        finally:
            self.is_over.set()
            for reply in self._replies.values():
                if not reply.done():
                    reply.set_exception(ConnectionError(self.closed_because or "closed"))
                    reply.exception()
            async with self._changed:
                self._changed.notify_all()

    def _take(self, received: Any) -> None:
        if isinstance(received, Incoming):
            bulk = getattr(received.message, "bulk", None)
            if isinstance(bulk, Bulk) and bulk.size > 0:
                self._partial[bulk.stream] = (received.message, received.reply_to, bytearray())
            else:
                self._deliver(received.message, received.reply_to, b"")
        elif isinstance(received, Data):
            message, reply_to, buffer = self._partial[received.stream]
            buffer += received.chunk
            self.writer.write(self.session.consumed(received.stream, len(received.chunk)))
            if received.last:
                del self._partial[received.stream]
                self._deliver(message, reply_to, bytes(buffer))
        elif isinstance(received, Pinged):
            self.writer.write(self.session.pong())
        elif isinstance(received, Closed):
            self.closed_because = received.text
        else:
            assert isinstance(received, CreditGrown)

    def _deliver(self, message: Any, reply_to: int, data: bytes) -> None:
        if isinstance(message, Event):
            self.events.append((message, data))
        elif isinstance(message, Failed):
            error = from_code(message.code, message.message, message.hint)
            self._replies[reply_to].set_exception(error)
        else:
            self._replies[reply_to].set_result((message, data))


def submission(
    scene: str, request_id: str = "", time_limit: float = 0.0, **params: Any
) -> SubmitJob:
    return SubmitJob(
        request_id=request_id or str(uuid.uuid4()),
        title="a test",
        method=params.pop("method", "counter"),
        seed=params.pop("seed", 0),
        preset=params.pop("preset", "standard"),
        params=params,
        scene=scene,
        time_limit=time_limit,
    )


@asynccontextmanager
async def connected(
    port: int, token: str, *, protocols: tuple[int, ...] = (1,), host: str = "127.0.0.1"
) -> AsyncIterator[Client]:
    """A client that has said hello."""
    client = await unwelcome(port, host)
    try:
        welcome = await client.ask(Hello(protocols=protocols, client="tests", token=token))
        assert isinstance(welcome, Welcome)
        yield client
    finally:
        await client.close()


async def unwelcome(port: int, host: str = "127.0.0.1") -> Client:
    """A client that has said nothing yet."""
    reader, writer = await asyncio.open_connection(host, port, ssl=tls_context(), limit=1024 * 1024)
    return Client(reader, writer)


def talk(server: RunningServer, talking: Callable[[Client], Awaitable[None]]) -> None:
    """Connect, say hello, talk."""

    async def whole() -> None:
        async with connected(server.port, server.token) as client:
            await asyncio.wait_for(talking(client), TALK_SECONDS)

    asyncio.run(whole())


async def followed(client: Client, scene: str, **params: Any) -> str:
    """Submit a job and watch it."""
    job_id = await client.submit(scene, **params)
    await client.ask(WatchJob(job_id=job_id))
    return job_id
