# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol without I/O: bytes in, messages and data out. Both ends use it.

A frame is a 12-byte header (type u8, three zero bytes, stream u32, length u32; big-endian) and
`length` bytes. Control frames carry one message; data frames carry the bytes of a stream that a
message has announced as `Bulk`; a credit frame (stream, 4-byte count) allows the peer that many
more bytes. Credit: 4 MiB a stream at its start, 16 MiB for the connection (stream 0).

    client                         server
    Hello ------------------------>         the only frame allowed before, at most 4 KiB
          <------------------------ Welcome or Failed
    requests --------------------->
          <------------------------ replies, events, data, credit; both sides ping

In the place of Hello a client that is not known yet may send BeginPairing and FinishPairing, each
answered, after which the connection ends.

Whatever breaks a rule raises a `ProtocolError`; the session is over then and must not be fed again.
It must not know sockets, TLS, clocks or what messages mean.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from .access import OPENING
from .codec import pack, unpack
from .errors import LimitExceeded, MalformedMessage
from .messages import Bulk, Event, Failed, Hello, Message, Reply, Request, Welcome

HEADER = struct.Struct(">B3xII")
COUNT = struct.Struct(">I")
MAX_HELLO = 4 * 1024
MAX_CONTROL = 64 * 1024
MAX_DATA = 1024 * 1024
STREAM_CREDIT = 4 * 1024 * 1024
CONNECTION_CREDIT = 16 * 1024 * 1024
MAX_STREAMS = 64
MAX_BULK = 4 * 1024**3
CONNECTION = 0
"""The stream number that stands for the whole connection in credit frames."""


class Frame(IntEnum):
    CONTROL = 1
    DATA = 2
    CREDIT = 3
    PING = 4
    PONG = 5
    CLOSE = 6


class Side(StrEnum):
    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True)
class Incoming:
    """A message has come."""

    message: Message
    request_id: int
    """To be answered under this number; 0: not a request."""
    reply_to: int
    """The number of our request that this answers; 0: an event or a request."""


@dataclass(frozen=True, slots=True)
class Data:
    """Some bytes of an announced stream; `last` with its end."""

    stream: int
    chunk: bytes
    last: bool


@dataclass(frozen=True, slots=True)
class CreditGrown:
    """The peer allows more bytes: waiting streams may go on."""


@dataclass(frozen=True, slots=True)
class Pinged:
    """The peer wants `pong` sent."""


@dataclass(frozen=True, slots=True)
class Ponged:
    """The peer is alive."""


@dataclass(frozen=True, slots=True)
class Closed:
    """The peer ends the session, with a reason."""

    text: str


Received = Incoming | Data | CreditGrown | Pinged | Ponged | Closed


class Session:
    """One connection's protocol state."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._buffer = bytearray()
        self._open = False
        self._next_request = 1
        self._next_stream = 1 if side is Side.CLIENT else 2
        self._waiting: dict[int, type[Request[Any]]] = {}
        self._outgoing: dict[int, int] = {}  # stream -> bytes still to send
        self._incoming: dict[int, int] = {}  # stream -> bytes still to come
        self._last_announced = 0
        self._may_send = {CONNECTION: CONNECTION_CREDIT}
        self._may_receive = {CONNECTION: CONNECTION_CREDIT}

    # ------------------------------------------------------------ sending

    def request(self, message: Request[Any]) -> tuple[int, bytes]:
        """Frame a request; the number is what its reply will carry."""
        number = self._next_request
        self._next_request += 1
        self._waiting[number] = type(message)
        return number, self._control(pack(message, request_id=number))

    def reply(self, message: Reply, request_id: int) -> bytes:
        """Frame the answer to a request."""
        self._open = self._open or isinstance(message, Welcome)
        return self._control(pack(message, reply_to=request_id))

    def event(self, message: Event) -> bytes:
        """Frame an event."""
        return self._control(pack(message))

    def announce(self, size: int) -> Bulk:
        """Open an outgoing stream; put the result into the message that announces it."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        if size > 0:
            self._outgoing[stream] = size
            self._may_send[stream] = STREAM_CREDIT
        return Bulk(stream=stream, size=size)

    def sendable(self, stream: int) -> int:
        """How many bytes of the stream may go into one data frame now; 0: wait for credit."""
        left = self._outgoing.get(stream, 0)
        return min(left, MAX_DATA, self._may_send.get(stream, 0), self._may_send[CONNECTION])

    def data_header(self, stream: int, size: int) -> bytes:
        """The header to write before `size` <= `sendable(stream)` bytes of a stream."""
        if not 0 < size <= self.sendable(stream):
            raise ValueError(f"stream {stream} may not send {size} bytes now")
        self._outgoing[stream] -= size
        self._may_send[stream] -= size
        self._may_send[CONNECTION] -= size
        if self._outgoing[stream] == 0:
            del self._outgoing[stream], self._may_send[stream]
        return HEADER.pack(Frame.DATA, stream, size)

    def consumed(self, stream: int, size: int) -> bytes:
        """Allow the peer as many bytes as were just taken out of `Data`."""
        frames = b""
        for key in (stream, CONNECTION):
            if key in self._may_receive:
                self._may_receive[key] += size
                frames += HEADER.pack(Frame.CREDIT, key, COUNT.size) + COUNT.pack(size)
        return frames

    def ping(self) -> bytes:
        """Ask the peer for a sign of life."""
        return HEADER.pack(Frame.PING, 0, 0)

    def pong(self) -> bytes:
        """Give the sign of life."""
        return HEADER.pack(Frame.PONG, 0, 0)

    def close(self, text: str) -> bytes:
        """End the session with a reason for the peer's log."""
        reason = text.encode()[:1024]
        return HEADER.pack(Frame.CLOSE, 0, len(reason)) + reason

    def _control(self, payload: bytes) -> bytes:
        if len(payload) > MAX_CONTROL:
            raise LimitExceeded(f"a message of {len(payload)} bytes is over {MAX_CONTROL}")
        return HEADER.pack(Frame.CONTROL, 0, len(payload)) + payload

    # ------------------------------------------------------------ receiving

    def receive(self, data: bytes) -> Iterator[Received]:
        """Feed bytes; yields what they complete. Consume it wholly before feeding again."""
        self._buffer += data
        at = 0
        try:
            while len(self._buffer) - at >= HEADER.size:
                frame, stream, length = HEADER.unpack_from(self._buffer, at)
                self._check_header(frame, stream, length)
                end = at + HEADER.size + length
                if len(self._buffer) < end:
                    break
                payload = bytes(memoryview(self._buffer)[at + HEADER.size : end])
                at = end
                yield self._read(Frame(frame), stream, payload)
        finally:
            del self._buffer[:at]

    def _check_header(self, frame: int, stream: int, length: int) -> None:
        if frame not in _MAX_LENGTH:
            raise MalformedMessage(f"unknown frame type {frame}")
        limit = _MAX_LENGTH[Frame(frame)]
        if not self._open:
            if frame not in (Frame.CONTROL, Frame.CLOSE):
                raise MalformedMessage("the session must open with a hello")
            limit = MAX_HELLO
        if length > limit:
            raise LimitExceeded(f"a {Frame(frame).name.lower()} frame of {length} bytes")
        if frame == Frame.DATA and not 0 < length <= self._incoming.get(stream, 0):
            raise MalformedMessage(f"data on stream {stream}, which expects none of that size")
        if frame == Frame.DATA and length > min(
            self._may_receive[stream], self._may_receive[CONNECTION]
        ):
            raise LimitExceeded(f"stream {stream} sent more than its credit")

    def _read(self, frame: Frame, stream: int, payload: bytes) -> Received:
        if frame is Frame.CONTROL:
            return self._read_control(payload)
        if frame is Frame.DATA:
            return self._read_data(stream, payload)
        if frame is Frame.CREDIT:
            return self._read_credit(stream, payload)
        if frame is Frame.CLOSE:
            return Closed(payload.decode("utf-8", errors="replace"))
        return Pinged() if frame is Frame.PING else Ponged()

    def _read_control(self, payload: bytes) -> Incoming:
        message, request_id, reply_to = unpack(payload)
        self._check_direction(message, request_id, reply_to)
        bulk = getattr(message, "bulk", None)
        if isinstance(bulk, Bulk):
            self._expect_stream(bulk)
        return Incoming(message, request_id, reply_to)

    def _check_direction(self, message: Message, request_id: int, reply_to: int) -> None:
        if self._side is Side.SERVER:
            if not isinstance(message, Request) or request_id == 0 or reply_to != 0:
                raise MalformedMessage(f"{message.kind}: a client sends requests only")
            if self._open is isinstance(message, (Hello, *OPENING)):
                raise MalformedMessage(f"{message.kind}: a session opens with one hello")
            return
        if isinstance(message, Reply):
            self._check_reply(message, reply_to)
        elif not isinstance(message, Event) or request_id != 0 or not self._open:
            raise MalformedMessage(f"{message.kind}: a server sends replies and events only")

    def _check_reply(self, message: Reply, reply_to: int) -> None:
        asked = self._waiting.pop(reply_to, None)
        if asked is None:
            raise MalformedMessage(f"{message.kind}: answers no request")
        if not isinstance(message, (reply_type(asked), Failed)):
            raise MalformedMessage(f"{message.kind}: does not answer {asked.kind}")
        self._open = self._open or isinstance(message, Welcome)

    def _expect_stream(self, bulk: Bulk) -> None:
        from_peer = bulk.stream % 2 == (1 if self._side is Side.SERVER else 0)
        if not from_peer or not self._last_announced < bulk.stream < 2**32:
            raise MalformedMessage(f"stream {bulk.stream} may not be announced")
        if not 0 <= bulk.size <= MAX_BULK or len(self._incoming) >= MAX_STREAMS:
            raise LimitExceeded(f"stream {bulk.stream}: too large or too many")
        self._last_announced = bulk.stream
        if bulk.size > 0:
            self._incoming[bulk.stream] = bulk.size
            self._may_receive[bulk.stream] = STREAM_CREDIT

    def _read_data(self, stream: int, chunk: bytes) -> Data:
        self._may_receive[stream] -= len(chunk)
        self._may_receive[CONNECTION] -= len(chunk)
        self._incoming[stream] -= len(chunk)
        last = self._incoming[stream] == 0
        if last:
            del self._incoming[stream], self._may_receive[stream]
        return Data(stream, chunk, last)

    def _read_credit(self, stream: int, payload: bytes) -> CreditGrown:
        if len(payload) != COUNT.size:
            raise MalformedMessage("a credit frame carries four bytes")
        ceiling = CONNECTION_CREDIT if stream == CONNECTION else STREAM_CREDIT
        if stream in self._may_send:  # a stream that has just ended needs none
            grown = self._may_send[stream] + COUNT.unpack(payload)[0]
            if grown > ceiling:
                raise LimitExceeded(f"stream {stream} was given more credit than it had")
            self._may_send[stream] = grown
        return CreditGrown()


_MAX_LENGTH = {
    Frame.CONTROL: MAX_CONTROL,
    Frame.DATA: MAX_DATA,
    Frame.CREDIT: COUNT.size,
    Frame.PING: 0,
    Frame.PONG: 0,
    Frame.CLOSE: 1024,
}


def reply_type(request: type[Request[Any]]) -> type[Reply]:
    """The type of the reply that a request's class names."""
    (base,) = (b for b in _generic_bases(request) if b.__origin__ is Request)
    answer: type[Reply] = base.__args__[0]
    return answer


def _generic_bases(cls: type) -> list[Any]:
    return [base for base in getattr(cls, "__orig_bases__", ()) if hasattr(base, "__origin__")]
