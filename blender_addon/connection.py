# SPDX-License-Identifier: GPL-3.0-or-later
"""One open session with a backend, on asyncio: requests, replies, events and streams of bytes.

The certificate's SHA-256 is compared before the first byte is sent. Whatever breaks the rules of
the wire, and whatever breaks the line, ends the session with a `LightkilnError`; a new one is
`client`'s business. No bpy: this runs in the client's thread.
It must not know jobs or scenes.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO, TypeVar

from .shared import PROTOCOL_VERSION
from .shared.address import Address
from .shared.errors import (
    BackendLost,
    LightkilnError,
    LimitExceeded,
    VersionMismatch,
    from_code,
)
from .shared.messages import (
    ArtifactData,
    Event,
    Failed,
    Hello,
    PreviewImage,
    PreviewMesh,
    PutFile,
    Reply,
    Request,
    Watching,
    Welcome,
)
from .shared.reach import another, unreachable
from .shared.session import Closed, CreditGrown, Data, Incoming, Pinged, Received, Session, Side

ALPN = "lightkiln/1"
READ_SIZE = 256 * 1024
CONNECT_SECONDS = 5.0
REPLY_SECONDS = 60.0
PING_SECONDS = 10.0
DEAD_SECONDS = 30.0
LOOK_SECONDS = 2.0
"""Between two looks at the clock: a computer that has slept is to see so at once."""
MAX_EVENT_BYTES = 16 * 1024**2
"""A 4-megapixel picture, or a mesh of some 500,000 triangles: nothing larger is asked for."""
MAX_EVENTS_BYTES = 2 * MAX_EVENT_BYTES
"""What a hostile backend can make us hold for all events that are on their way."""

R = TypeVar("R", bound=Reply)
OnNews = Callable[[Event | Watching, bytes], None]
"""Called for each event, and for the state of a job that heads its events, in order of arrival."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a backend listens, how it is recognised and what opens it."""

    address: str
    port: int
    fingerprint: str
    """SHA-256 of the DER certificate, hexadecimal."""
    token: str = field(repr=False)


class Stopwatch:
    """Seconds that have gone by, those included in which the computer slept."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """From now on."""
        self._wall, self._steady = time.time(), time.monotonic()

    @property
    def seconds(self) -> float:
        # one of the two stands still in sleep, the other one can be set by hand
        return max(time.time() - self._wall, time.monotonic() - self._steady)


class Connection:
    """A session over TLS. Make it with `connect`, then keep `run` running."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, on_news: OnNews
    ) -> None:
        self._reader, self._writer, self._on_news = reader, writer, on_news
        self.fingerprint = _fingerprint(writer.get_extra_info("ssl_object"))
        """Of the certificate that the peer has shown, 64 hexadecimal digits."""
        self._session = Session(Side.CLIENT)
        self._replies: dict[int, asyncio.Future[Reply]] = {}
        self._events: dict[int, tuple[PreviewImage | PreviewMesh, bytearray]] = {}
        self._inflows: dict[int, asyncio.Queue[Data]] = {}
        self._credit = asyncio.Event()

    async def run(self) -> None:
        """Read until the line breaks, which raises; requests still open get the same error."""
        try:
            await self._read_all()
        except (OSError, asyncio.IncompleteReadError) as error:
            self._abandon(BackendLost(f"The connection to the backend broke: {error}."))
            raise BackendLost("The connection to the backend broke.") from None
        except LightkilnError as error:
            self._abandon(error)
            raise
        finally:
            self._abandon(BackendLost("The connection to the backend was closed."))
            self._writer.transport.abort()  # a polite end waits for a peer that may be gone

    async def request(self, message: Request[R]) -> R:
        """Send a request and wait for its reply; raises what the backend answers as an error."""
        return await self.answer(self._send_request(message))

    async def send_file(
        self, sha256: str, size: int, offset: int, source: BinaryIO
    ) -> asyncio.Future[Reply]:
        """Send the rest of a file from `offset` on, as fast as the backend gives credit.

        The file is kept once `answer` has returned for the future: until then the next can be sent.
        """
        bulk = self._session.announce(size - offset)
        future = self._send_request(PutFile(sha256=sha256, size=size, offset=offset, bulk=bulk))
        source.seek(offset)
        left = bulk.size
        while left and not future.done():
            count = self._session.sendable(bulk.stream)
            if count == 0:
                await self._wait_for_credit(future)
                continue
            chunk = source.read(count)
            if len(chunk) < count:
                raise BackendLost("A file grew shorter while it was being sent.")
            # two pieces, one send: joining them would copy a mebibyte
            self._writer.writelines((self._session.data_header(bulk.stream, count), chunk))
            await self._writer.drain()
            left -= count
        return future

    async def answer(self, future: asyncio.Future[Reply]) -> Any:
        """The reply to a request; raises what the backend answers as an error."""
        try:
            reply = await asyncio.wait_for(future, REPLY_SECONDS)
        except TimeoutError:
            raise BackendLost("The backend does not answer.") from None
        if isinstance(reply, Failed):
            raise from_code(reply.code, reply.message, reply.hint)
        return reply

    async def receive(self, reply: ArtifactData) -> AsyncIterator[bytes]:
        """The bytes that a reply announced; credit is given as they are taken."""
        inflow = self._inflows.get(reply.bulk.stream)
        last = inflow is None
        while inflow and not last:
            data = await asyncio.wait_for(inflow.get(), DEAD_SECONDS)
            last = data.last
            yield data.chunk
            self._writer.write(self._session.consumed(data.stream, len(data.chunk)))
        self._inflows.pop(reply.bulk.stream, None)

    def close(self) -> None:
        """End the session politely; `run` then ends too."""
        if not self._writer.is_closing():
            self._writer.write(self._session.close("the client is done"))
        self._writer.close()

    def drop(self) -> None:
        """End the connection without a word."""
        self._writer.close()

    # ------------------------------------------------------------ inside

    def _send_request(self, message: Request[Any]) -> asyncio.Future[Reply]:
        if self._writer.is_closing():
            raise BackendLost("The connection to the backend is closed.")
        number, frame = self._session.request(message)
        self._replies[number] = asyncio.get_running_loop().create_future()
        self._writer.write(frame)
        return self._replies[number]

    async def _wait_for_credit(self, or_answer: asyncio.Future[Reply]) -> None:
        self._credit.clear()
        grown = asyncio.ensure_future(self._credit.wait())
        await asyncio.wait(
            (grown, or_answer), timeout=DEAD_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        if not grown.done() and not or_answer.done():
            grown.cancel()
            raise BackendLost("The backend stopped taking files.")
        grown.cancel()

    async def _read_all(self) -> None:
        heard, pinged = Stopwatch(), Stopwatch()
        # Until Python 3.12 `wait_for` forgets that it was cancelled if its end comes just then.
        while heard.seconds < DEAD_SECONDS and not self._writer.is_closing():
            try:
                data = await asyncio.wait_for(self._reader.read(READ_SIZE), LOOK_SECONDS)
            except TimeoutError:
                if min(heard.seconds, pinged.seconds) >= PING_SECONDS:
                    self._writer.write(self._session.ping())
                    pinged.start()
                continue
            if not data:
                raise BackendLost("The backend closed the connection.")
            heard.start()
            for received in self._session.receive(data):
                self._take(received)
        if self._writer.is_closing():
            raise BackendLost("The connection to the backend was closed.")
        raise BackendLost(f"The backend has been silent for {DEAD_SECONDS:.0f} seconds.")

    def _take(self, received: Received) -> None:
        if isinstance(received, Incoming):
            self._take_message(received)
        elif isinstance(received, Data):
            self._take_data(received)
        elif isinstance(received, CreditGrown):
            self._credit.set()
        elif isinstance(received, Pinged):
            self._writer.write(self._session.pong())
        elif isinstance(received, Closed):
            raise BackendLost(f"The backend ended the session: {received.text[:200]}.")

    def _take_message(self, incoming: Incoming) -> None:
        message = incoming.message
        if isinstance(message, ArtifactData) and message.bulk.size:
            self._inflows[message.bulk.stream] = asyncio.Queue()
        if isinstance(message, Watching):
            self._on_news(message, b"")  # here and now, for records follow it
        if isinstance(message, Reply):
            future = self._replies.pop(incoming.reply_to)
            if not future.done():
                future.set_result(message)
        elif isinstance(message, (PreviewImage, PreviewMesh)):
            self._expect_event(message)
        elif isinstance(message, Event):
            self._on_news(message, b"")

    def _expect_event(self, event: PreviewImage | PreviewMesh) -> None:
        if not 0 < event.bulk.size <= MAX_EVENT_BYTES:
            raise LimitExceeded(f"{event.kind} of {event.bulk.size} bytes")
        on_their_way = sum(other.bulk.size for other, _ in self._events.values())
        if on_their_way + event.bulk.size > MAX_EVENTS_BYTES:
            raise LimitExceeded("more events at once than can be looked at")
        self._events[event.bulk.stream] = (event, bytearray())

    def _take_data(self, data: Data) -> None:
        if data.stream in self._inflows:
            self._inflows[data.stream].put_nowait(data)
            return
        self._writer.write(self._session.consumed(data.stream, len(data.chunk)))
        if data.stream not in self._events:
            return  # a reply that nobody waits for any more
        event, body = self._events[data.stream]
        body += data.chunk
        if data.last:
            del self._events[data.stream]
            self._on_news(event, bytes(body))

    def _abandon(self, error: LightkilnError) -> None:
        waiting, self._replies = self._replies, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: who asked may have gone


async def connect(endpoint: Endpoint, on_news: OnNews) -> Connection:
    """Open TLS and compare the certificate; `open_session` comes next, while `run` runs."""
    address = Address(endpoint.address, endpoint.port)
    connection = await meet(address, on_news)
    if not hmac.compare_digest(connection.fingerprint, endpoint.fingerprint):
        connection.drop()
        raise another(address)
    return connection


async def meet(address: Address, on_news: OnNews) -> Connection:
    """Open TLS with whoever answers there; nothing is known of them but their fingerprint."""
    opening = asyncio.open_connection(address.host, address.port, ssl=_tls())
    try:
        reader, writer = await asyncio.wait_for(opening, CONNECT_SECONDS)
    except OSError as error:  # TimeoutError and ssl.SSLError are some
        raise unreachable(address, error) from None
    if writer.get_extra_info("ssl_object").selected_alpn_protocol() != ALPN:
        writer.transport.abort()
        raise VersionMismatch(
            "The backend does not speak this extension's protocol.",
            hint="Update whichever of the two is older.",
        )
    return Connection(reader, writer, on_news)


async def open_session(connection: Connection, endpoint: Endpoint, client: str) -> Welcome:
    """Say hello; raises `VersionMismatch` or `NotAuthorised` with what the person can do."""
    hello = Hello(protocols=(PROTOCOL_VERSION,), client=client, token=endpoint.token)
    welcome = await connection.request(hello)
    if welcome.protocol != PROTOCOL_VERSION:
        raise VersionMismatch(
            f"The backend speaks protocol {welcome.protocol}, this extension {PROTOCOL_VERSION}.",
            hint="Update whichever of the two is older.",
        )
    return welcome


def fingerprint_at(address: str, port: int) -> str:
    """The fingerprint of whatever listens there; blocks; raises `OSError` if nothing does."""
    with (
        socket.create_connection((address, port), CONNECT_SECONDS) as plain,
        _tls().wrap_socket(plain) as peer,
    ):
        return _fingerprint(peer)


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the fingerprint is the check
    context.set_alpn_protocols([ALPN])
    return context


def _fingerprint(peer: ssl.SSLObject | ssl.SSLSocket) -> str:
    return hashlib.sha256(peer.getpeercert(binary_form=True) or b"").hexdigest()
