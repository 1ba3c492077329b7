# SPDX-License-Identifier: GPL-3.0-or-later
"""The page's sockets: few, and the oldest goes when one more comes.

So whoever opens many and says nothing takes neither the page from its reader, who asks anew every
second, nor the process's file descriptors from the wire. uvicorn speaks HTTP on them; it opens no
socket, takes no signal and writes no log of addresses, in which the secret would stand.
It must not know what is served.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from functools import partial
from pathlib import Path
from socket import socket
from typing import Any

from starlette.types import ASGIApp
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from lightkiln.server.listener import accept

MAX_SOCKETS = 32
HANDSHAKE_SECONDS = 5.0
_log = logging.getLogger(__name__)


class _Browser(H11Protocol):
    """One connection, whose end can be awaited."""

    def __init__(self, config: Config, state: ServerState) -> None:
        super().__init__(config, state, {})
        self.is_over = asyncio.Event()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.is_over.set()


class PageSockets:
    """An async context: accepts inside it, and closes everything at its end."""

    def __init__(self, listening: socket, app: ASGIApp, context: ssl.SSLContext | None) -> None:
        """`context` None: without TLS, which is for this machine's loopback."""
        listening.setblocking(False)
        self._listening, self._context = listening, context
        self._config = Config(
            app,
            http=_Browser,
            lifespan="off",
            ws="none",
            access_log=False,
            log_config=None,
            server_header=False,
            proxy_headers=False,
        )
        self._config.load()
        self._state = ServerState()
        self._open: dict[socket, asyncio.Task[None]] = {}
        """Oldest first."""

    async def __aenter__(self) -> PageSockets:
        self._accepting = asyncio.create_task(accept(self._listening, self._admit))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        tasks = [self._accepting, *self._open.values(), *self._state.tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _admit(self, client: socket, _: str) -> None:
        if len(self._open) >= MAX_SOCKETS:
            self._open.pop(next(iter(self._open))).cancel()
        task = asyncio.create_task(self._serve(client))
        self._open[client] = task
        task.add_done_callback(partial(self._forget, client))

    def _forget(self, client: socket, _: object) -> None:
        self._open.pop(client, None)
        client.close()

    async def _serve(self, client: socket) -> None:
        browser = _Browser(self._config, self._state)
        tls: dict[str, Any] = {}
        if self._context is not None:
            tls = {"ssl": self._context, "ssl_handshake_timeout": HANDSHAKE_SECONDS}
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: browser, client, **tls
            )
        except OSError as error:
            _log.info("a browser did not get through TLS: %s", error)
            return
        try:
            await browser.is_over.wait()
        finally:
            transport.abort()


def tls_context(certificate: Path) -> ssl.SSLContext:
    """TLS for browsers with the box's own key and certificate, the one that clients know it by."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.load_cert_chain(certificate)
    context.set_alpn_protocols(["http/1.1"])
    return context
