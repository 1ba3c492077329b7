# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's process: a data folder, a listening socket, and an orderly end.

    DATA/server.lock    held while a server runs: one for each data folder
    DATA/server.pem     key and certificate            (0600)
    DATA/server.json    where the running one listens  (0600, with its token)
    DATA/token          the token, unless one was handed over at the start  (0600)
    DATA/jobs.sqlite jobs/ files/

It must not know messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lightkiln_shared import PROTOCOL_VERSION

from lightkiln.executors.devices import find_slots
from lightkiln.executors.local import LocalExecutor
from lightkiln.jobs import atomic
from lightkiln.jobs.files import FileStore
from lightkiln.jobs.intake import Intake
from lightkiln.jobs.queue import JobQueue
from lightkiln.methods.registry import discover

from .caller import Services
from .certificate import server_context, write_private
from .listener import Listener
from .tokens import kept_token

LOOPBACK = "127.0.0.1"
ID_DIGITS = 16
IDLE_LOOK_SECONDS = 0.5
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How a server is to run."""

    data: Path
    port: int = 0
    """0: any free one."""
    token: str = ""
    """Empty: the data folder's own."""
    idle_exit: float = 0.0
    """Seconds without a client and without work after which to end; 0: never."""
    min_free_mb: int = 1000
    """Megabytes of the disk that are never used."""


async def serve(config: ServerConfig) -> None:
    """Run until SIGTERM, SIGINT or `idle_exit`; raises `ResourceError` if one runs already."""
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    message = f"Another Lightkiln server is using {config.data}."
    with atomic.exclusive(config.data / "server.lock", 0.0, message, "Connect to that one."):
        context, fingerprint = server_context(config.data)
        token = config.token or kept_token(config.data)
        discover()
        async with _services(config, token, fingerprint) as services:
            listening = socket.create_server((LOOPBACK, config.port))
            async with Listener(listening, context, services) as listener:
                port = listening.getsockname()[1]
                _announce(config.data, port, fingerprint, token)
                await _until_the_end(config, services, listener)
        (config.data / "server.json").unlink(missing_ok=True)


@asynccontextmanager
async def _services(config: ServerConfig, token: str, fingerprint: str) -> AsyncIterator[Services]:
    slots = find_slots()
    files = FileStore(config.data / "files", config.min_free_mb * 10**6)
    queue = JobQueue(config.data, files, LocalExecutor(), slots)
    await queue.start()
    try:
        yield Services(
            queue=queue,
            files=files,
            intake=Intake(queue, files),
            devices=tuple(slot.device for slot in slots),
            server_id=fingerprint[:ID_DIGITS],
            token=token,
        )
    finally:
        await queue.close()


def _announce(data: Path, port: int, fingerprint: str, token: str) -> None:
    """One line for whoever started us, and a private file for those who come later."""
    line = {
        "address": LOOPBACK,
        "port": port,
        "fingerprint": fingerprint,
        "server_id": fingerprint[:ID_DIGITS],
        "protocol": PROTOCOL_VERSION,
    }
    private = {**line, "token": token, "pid": os.getpid()}
    write_private(data / "server.json", json.dumps(private).encode())
    with contextlib.suppress(BrokenPipeError):  # nobody reads it: then nobody needs it
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


async def _until_the_end(config: ServerConfig, services: Services, listener: Listener) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(ended.set))
    idle_since = loop.time()
    while not ended.is_set():
        if listener.num_connections or await services.queue.has_work():
            idle_since = loop.time()
        if config.idle_exit and loop.time() - idle_since >= config.idle_exit:
            _log.info("nothing to do for %.0f s: ending", config.idle_exit)
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(IDLE_LOOK_SECONDS):
                await ended.wait()
