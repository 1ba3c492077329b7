# SPDX-License-Identifier: GPL-3.0-or-later
"""Accepts sockets, lets TLS begin, and keeps count of who is there.

A socket counts from its first moment, not from the end of the handshake: those that only sit there
are few, short, and the first to go, where most of them come from before all others.
It must not know the protocol above TLS.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import logging
import ssl
from asyncio import StreamReader, StreamReaderProtocol, StreamWriter
from collections import Counter
from collections.abc import Callable
from socket import socket

from . import limits
from .caller import Services
from .certificate import ALPN
from .connection import READ_BYTES, Connection

PAUSE_SECONDS = 0.1
CLOSE_SECONDS = 2.0
_log = logging.getLogger(__name__)


async def accept(listening: socket, admit: Callable[[socket, str], None]) -> None:
    """Hand over whoever comes, with the address, until this is cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            client, (address, *_) = await loop.sock_accept(listening)
        except OSError:  # out of descriptors, most likely: they come back
            _log.exception("a connection could not be accepted")
            await asyncio.sleep(PAUSE_SECONDS)
            continue
        admit(client, address)


class Listener:
    """An async context: accepts inside it, and closes everything at its end."""

    def __init__(self, listening: socket, context: ssl.SSLContext, services: Services) -> None:
        listening.setblocking(False)
        self._listening, self._context, self._services = listening, context, services
        self._strangers: dict[socket, asyncio.Task[None]] = {}
        """Who has not said a good hello, oldest first."""
        self._known: dict[socket, asyncio.Task[None]] = {}
        self._homes: dict[socket, str] = {}
        """Where each comes from."""

    @property
    def num_connections(self) -> int:
        """Clients that have said a good hello."""
        return len(self._known)

    async def __aenter__(self) -> Listener:
        self._accepting = asyncio.create_task(accept(self._listening, self._admit))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()
        tasks = [self._accepting, *self._strangers.values(), *self._known.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _admit(self, client: socket, address: str) -> None:
        if len(self._known) >= limits.MAX_CONNECTIONS:
            _log.warning("more than %d clients: one was refused", limits.MAX_CONNECTIONS)
            client.close()
            return
        if len(self._strangers) >= limits.MAX_STRANGERS:
            self._strangers.pop(self._whose_turn_it_is()).cancel()
        task = asyncio.create_task(self._serve(client))
        self._strangers[client] = task
        self._homes[client] = _home(address)
        task.add_done_callback(lambda _: self._forget(client))

    def _whose_turn_it_is(self) -> socket:
        """The oldest stranger of the network that most come from: a crowd drives out itself."""
        crowd = Counter(self._homes[client] for client in self._strangers)
        largest = max(crowd.values())
        return next(each for each in self._strangers if crowd[self._homes[each]] == largest)

    def _forget(self, client: socket) -> None:
        self._strangers.pop(client, None)
        self._known.pop(client, None)
        self._homes.pop(client, None)
        client.close()

    async def _serve(self, client: socket) -> None:
        loop = asyncio.get_running_loop()
        reader = StreamReader(limit=READ_BYTES)
        protocol = StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                client,
                ssl=self._context,
                ssl_handshake_timeout=limits.HANDSHAKE_SECONDS,
            )
        except OSError as error:
            _log.info("a connection did not get through TLS: %s", error)
            return
        writer = StreamWriter(transport, protocol, reader, loop)
        try:
            if writer.get_extra_info("ssl_object").selected_alpn_protocol() == ALPN:
                on_welcome = functools.partial(self._welcome, client)
                await Connection(self._services, reader, writer, on_welcome).run()
            await self._close(writer)
        finally:
            transport.abort()

    def _welcome(self, client: socket) -> None:
        if client in self._strangers:
            self._known[client] = self._strangers.pop(client)

    @staticmethod
    async def _close(writer: StreamWriter) -> None:
        writer.close()
        with contextlib.suppress(OSError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await writer.wait_closed()


def _home(address: str) -> str:
    """What one person's machine has for itself: an address, of version 6 all of its network's."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found), 64), strict=False))
