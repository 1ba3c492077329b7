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
from types import TracebackType
from typing import TypeVar, cast

from lightkiln_shared import PROTOCOL_VERSION
from lightkiln_shared.access import BeginPairing, FinishPairing, Paired
from lightkiln_shared.address import Address
from lightkiln_shared.errors import BackendLost, NotAuthorised, from_code
from lightkiln_shared.messages import Failed, Hello, Reply, Request, Welcome
from lightkiln_shared.pairing import Exchange, new_nonce
from lightkiln_shared.session import Closed, Incoming, Pinged, Session, Side

from lightkiln import __version__
from lightkiln.server.certificate import ALPN

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
"""A pairing may have to wait for others' guesses to be looked at."""
MAX_SHOWN = 300
READ_BYTES = 64 * 1024
R = TypeVar("R", bound=Reply)


class Remote:
    """An open connection; use it in a `with`. `fingerprint` empty: any certificate will do."""

    def __init__(self, address: Address, fingerprint: str = "") -> None:
        self._address = address
        self._socket = _open(address)
        self._session = Session(Side.CLIENT)
        der = self._socket.getpeercert(binary_form=True) or b""
        self.fingerprint = hashlib.sha256(der).hexdigest()
        if fingerprint and not hmac.compare_digest(fingerprint, self.fingerprint):
            self._socket.close()
            raise NotAuthorised(
                f"What answers at {address} has another certificate than the backend it should be.",
                hint="Ask who runs it. If it was set up anew, forget it and pair again.",
            )

    def __enter__(self) -> Remote:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(self, request: Request[R]) -> R:
        """The reply; raises what the backend answers as an error, and `BackendLost`."""
        _, frame = self._session.request(request)
        try:
            self._socket.sendall(frame)
            reply = self._reply()
        except TimeoutError:
            raise BackendLost(f"{self._address} does not answer.") from None
        except OSError as error:
            raise BackendLost(f"The connection to {self._address} broke: {error}.") from None
        if isinstance(reply, Failed):
            raise from_code(reply.code, shown(reply.message), shown(reply.hint))
        return cast("R", reply)  # the session has compared the types

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
            raise NotAuthorised(
                f"What answers at {self._address} does not know the code.",
                hint="It is not the backend that shows it.",
            )
        return paired

    def _reply(self) -> Reply:
        while data := self._socket.recv(READ_BYTES):
            for received in self._session.receive(data):
                if isinstance(received, Incoming) and isinstance(received.message, Reply):
                    return received.message
                if isinstance(received, Pinged):
                    self._socket.sendall(self._session.pong())
                if isinstance(received, Closed):
                    raise BackendLost(f"{self._address} ended the session: {shown(received.text)}.")
        raise BackendLost(f"{self._address} closed the connection.")


def shown(text: str) -> str:
    """What a backend says, as it may be written to a terminal: no control characters, not much."""
    return "".join(c if c.isprintable() else "?" for c in text[:MAX_SHOWN])


def _open(address: Address) -> ssl.SSLSocket:
    try:
        plain = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
    except OSError as error:
        raise _unreachable(address, error) from None
    try:
        peer = _tls().wrap_socket(plain)
    except OSError:  # ssl.SSLError is one
        plain.close()
        raise _no_backend(address) from None
    if peer.selected_alpn_protocol() != ALPN:
        peer.close()
        raise _no_backend(address)
    peer.settimeout(ANSWER_SECONDS)
    return peer


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # the fingerprint or the code is the check
    context.set_alpn_protocols([ALPN])
    return context


def _unreachable(address: Address, error: OSError) -> BackendLost:
    if isinstance(error, socket.gaierror):
        return BackendLost(
            f"No machine is called {address.host} here.", hint="Try its numeric address."
        )
    if isinstance(error, ConnectionRefusedError):
        return BackendLost(
            f"Nothing listens at {address}.", hint="Does `lightkiln serve --lan` run there?"
        )
    return BackendLost(
        f"{address} does not answer.",
        hint="Is the machine on, in the same network, and the port open in its firewall?",
    )


def _no_backend(address: Address) -> BackendLost:
    return BackendLost(
        f"What listens at {address} is not a Lightkiln backend of this kind.",
        hint="Look at the port, and whether both sides have the same version.",
    )
