# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a backend for commands that ask one thing after the other and wait.

The certificate is looked at before the first byte is said, and every way in which a backend cannot
be reached has a sentence of its own.
It must not know what is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import BinaryIO, TypeVar, cast

from lightkiln_shared import PROTOCOL_VERSION
from lightkiln_shared.access import BeginPairing, FinishPairing, Paired
from lightkiln_shared.address import Address
from lightkiln_shared.errors import BackendLost, UserError, from_code
from lightkiln_shared.messages import (
    ArtifactData,
    Bulk,
    Event,
    Failed,
    FileOffer,
    Hello,
    Message,
    PutFile,
    ReadArtifact,
    Reply,
    Request,
    Welcome,
)
from lightkiln_shared.pairing import Exchange, new_nonce
from lightkiln_shared.reach import another, knows_no_code, no_backend, unreachable
from lightkiln_shared.session import (
    Closed,
    Data,
    Incoming,
    Pinged,
    Received,
    Session,
    Side,
)

from lightkiln import __version__
from lightkiln.server.certificate import ALPN

from .words import shown as shown

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
"""A pairing may have to wait for others' guesses to be looked at."""
DEAD_SECONDS = 30.0
"""A backend says something every ten."""
READ_BYTES = 1024 * 1024
R = TypeVar("R", bound=Reply)


class Remote:
    """An open connection; use it in a `with`. `fingerprint` empty: any certificate will do."""

    def __init__(self, address: Address, fingerprint: str = "") -> None:
        self._address = address
        self._socket = _open(address)
        self._session = Session(Side.CLIENT)
        self._received: deque[Received] = deque()
        self._replies: deque[Reply] = deque()
        self._events: deque[Event] = deque()
        self._heard_at = time.monotonic()
        der = self._socket.getpeercert(binary_form=True) or b""
        self.fingerprint = hashlib.sha256(der).hexdigest()
        if fingerprint and not hmac.compare_digest(fingerprint, self.fingerprint):
            self._socket.close()
            raise another(address)

    def __enter__(self) -> Remote:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the session."""
        self._socket.close()

    def ask(self, request: Request[R]) -> R:
        """The reply; raises what the backend answers as an error, and `BackendLost`."""
        _, frame = self._session.request(request)
        self._send(frame)
        return cast("R", self._reply())  # the session has compared the types

    def put(
        self, wanted: FileOffer, offset: int, source: BinaryIO, on_sent: Callable[[int], None]
    ) -> None:
        """Send a file from an offset on; `on_sent` hears how many bytes more have gone."""
        bulk = self._session.announce(wanted.size - offset)
        request = PutFile(sha256=wanted.sha256, size=wanted.size, offset=offset, bulk=bulk)
        self._send(self._session.request(request)[1])
        source.seek(offset)
        left = bulk.size
        while left > 0:
            size = self._session.sendable(bulk.stream)
            if size == 0:
                self._keep(self._next(ANSWER_SECONDS))
                continue
            chunk = source.read(size)
            if not chunk:
                raise UserError("A file became shorter while it was sent.", hint="Try again.")
            self._send(self._session.data_header(bulk.stream, len(chunk)) + chunk)
            left -= len(chunk)
            on_sent(len(chunk))
        self._reply()

    def read(self, request: ReadArtifact) -> tuple[ArtifactData, Iterator[bytes]]:
        """What a job has left: about it, and its bytes as they come."""
        reply = self.ask(request)
        return reply, self._chunks(reply.bulk)

    def event(self, seconds: float) -> Event | None:
        """The next thing that the backend says unasked; None: nothing within so many seconds."""
        until = time.monotonic() + seconds
        while not self._events:
            left = until - time.monotonic()
            if left <= 0.0:
                return None
            self._keep(self._next(left, patient=True))
        return self._events.popleft()

    def hello(self, token: str) -> Welcome:
        """Open the session."""
        client = f"lightkiln/{__version__}"
        return self.ask(Hello(protocols=(PROTOCOL_VERSION,), client=client, token=token))

    def pair(self, code: str, name: str) -> Paired:
        """Become known by this name; `NotAuthorised` unless both sides know the code."""
        begin = BeginPairing(protocols=(PROTOCOL_VERSION,), client=name, nonce=new_nonce())
        exchange = Exchange(
            fingerprint=self.fingerprint,
            client_nonce=begin.nonce,
            server_nonce=self.ask(begin).nonce,
            client=name,
        )
        key = exchange.key(code)
        paired = self.ask(FinishPairing(proof=exchange.proof(key, "client")))
        if not exchange.is_proof(paired.proof, key, "server"):
            raise knows_no_code(self._address)
        return paired

    def _reply(self) -> Reply:
        while True:
            received = self._replies.popleft() if self._replies else self._next(ANSWER_SECONDS)
            if isinstance(received, Failed):
                raise from_code(received.code, shown(received.message), shown(received.hint))
            if isinstance(received, Reply):
                return received
            self._keep(received)

    def _chunks(self, bulk: Bulk) -> Iterator[bytes]:
        left = bulk.size
        while left > 0:
            received = self._next(ANSWER_SECONDS)
            if isinstance(received, Data) and received.stream == bulk.stream:
                left -= len(received.chunk)
                yield received.chunk
            self._keep(received)

    def _keep(self, received: Data | Message | None) -> None:
        """Give credit for what came, and leave it to whoever asks for it."""
        if isinstance(received, Data):
            self._send(self._session.consumed(received.stream, len(received.chunk)))
        elif isinstance(received, Event):
            self._events.append(received)
        elif isinstance(received, Reply):
            self._replies.append(received)

    def _next(self, seconds: float, *, patient: bool = False) -> Data | Message | None:
        """The next thing that has come, pictures and meshes without anybody who looks included.

        None: credit, a sign of life or, `patient`, nothing within so many seconds.
        """
        if not self._received:
            self._receive(seconds, patient)
        received = self._received.popleft() if self._received else None
        if isinstance(received, Pinged):
            self._send(self._session.pong())
        if isinstance(received, Closed):
            raise BackendLost(f"{self._address} ended the session: {shown(received.text)}.")
        if isinstance(received, Incoming):
            return received.message
        return received if isinstance(received, Data) else None

    def _receive(self, seconds: float, patient: bool) -> None:
        self._socket.settimeout(seconds)
        try:
            data = self._socket.recv(READ_BYTES)
        except TimeoutError:
            if patient and time.monotonic() - self._heard_at < DEAD_SECONDS:
                return
            raise BackendLost(f"{self._address} does not answer.") from None
        except OSError as error:
            raise self._broke(error) from None
        if not data:
            raise BackendLost(f"{self._address} closed the connection.")
        self._heard_at = time.monotonic()
        self._received.extend(self._session.receive(data))

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(DEAD_SECONDS)
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise BackendLost(f"{self._address} does not answer.") from None
        except OSError as error:
            raise self._broke(error) from None

    def _broke(self, error: OSError) -> BackendLost:
        return BackendLost(f"The connection to {self._address} broke: {error}.")


def _open(address: Address) -> ssl.SSLSocket:
    try:
        plain = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
    except OSError as error:
        raise unreachable(address, error) from None
    try:
        peer = _tls().wrap_socket(plain)
    except OSError:  # ssl.SSLError is one
        plain.close()
        raise no_backend(address) from None
    if peer.selected_alpn_protocol() != ALPN:
        peer.close()
        raise no_backend(address)
    peer.settimeout(ANSWER_SECONDS)
    return peer


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the fingerprint or the code is the check
    context.set_alpn_protocols([ALPN])
    return context
