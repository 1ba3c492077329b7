# SPDX-License-Identifier: GPL-3.0-or-later
"""The server's process: a data folder, a listening socket, and an orderly end.

    DATA/server.lock    held while a server runs: one for each data folder
    DATA/server.pem     key and certificate            (0600)
    DATA/server.json    where the running one listens  (0600, with its token)
    DATA/token          the owner's token, unless one was handed over at the start  (0600)
    DATA/clients.json   who is paired  (0600)
    DATA/sharing.toml   what each client may take, if the owner has written it
    DATA/jobs.sqlite jobs/ files/    the folders elsewhere if the engine shares them: see `engine`

It must not know messages.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from lightkiln_shared import PROTOCOL_VERSION
from lightkiln_shared.address import Address

from lightkiln.executors.free_memory import FreeMemory
from lightkiln.jobs import atomic
from lightkiln.jobs.files import FileStores
from lightkiln.jobs.housekeeping import Housekeeping
from lightkiln.jobs.intake import Intake
from lightkiln.jobs.queue import JobQueue
from lightkiln.jobs.rules import read as read_rules
from lightkiln.methods.registry import discover

from .caller import Services
from .certificate import server_context, write_private
from .clients import Clients
from .engine import Choice, this_machine
from .listener import Listener
from .network import LOOPBACK, listen, own_address
from .pairing_window import PairingWindow
from .tokens import kept_token

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
    lan: bool = False
    """Listen on all addresses of this machine, not on its loopback alone."""
    name: str = ""
    """What people call this backend."""
    engine: Choice = this_machine
    """What its jobs run on."""
    announce: bool = False
    """Say so on the network: see `announcing`."""


Beside = Callable[[Services], AbstractAsyncContextManager[str]]
"""What stands beside the server and uses the same services; it yields the link that opens it."""


async def serve(config: ServerConfig, beside: Beside | None = None) -> None:
    """Run until SIGTERM, SIGINT or `idle_exit`; raises `ResourceError` if one runs already."""
    config.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    message = f"Another Lightkiln server is using {config.data}."
    with atomic.exclusive(config.data / "server.lock", 0.0, message, "Connect to that one."):
        context, fingerprint = server_context(config.data)
        token = config.token or kept_token(config.data)
        discover()
        async with _services(config, token, fingerprint) as services:
            listening = listen(config.port, lan=config.lan)
            page = beside(services) if beside is not None else nullcontext("")
            async with Listener(listening, context, services) as listener, page as link:
                port = listening.getsockname()[1]
                line = _where(port, fingerprint)
                _keep(config, line, token, link)
                _say(_for_people(config, line, services) if config.lan else json.dumps(line))
                if link:
                    _say(_about_page(link))
                async with _announced(config, port, services.server_id):
                    await _until_the_end(config, services, listener)
        (config.data / "server.json").unlink(missing_ok=True)


@asynccontextmanager
async def _services(config: ServerConfig, token: str, fingerprint: str) -> AsyncIterator[Services]:
    engine = config.engine(fingerprint[:ID_DIGITS])
    slots = engine.slots
    files = FileStores((engine.shared or config.data) / "files", config.min_free_mb * 10**6)
    rules = read_rules(config.data)
    queue = JobQueue(config.data, files, engine.executor, slots, rules, shared=engine.shared)
    housekeeping = Housekeeping(queue, files, rules)
    await queue.start()
    housekeeping.start()
    try:
        yield Services(
            queue=queue,
            files=files,
            intake=Intake(queue, files, housekeeping),
            housekeeping=housekeeping,
            devices=tuple(slot.device for slot in slots),
            free_memory=FreeMemory(slots),
            server_id=fingerprint[:ID_DIGITS],
            clients=Clients(config.data, token),
            window=PairingWindow(fingerprint),
            name=config.name,
        )
    finally:
        await housekeeping.close()
        await queue.close()


def _announced(
    config: ServerConfig, port: int, server_id: str
) -> contextlib.AbstractAsyncContextManager[None]:
    if not config.announce:
        return contextlib.nullcontext()
    announcing = importlib.import_module("lightkiln.server.announcing")  # others need not wait
    context: contextlib.AbstractAsyncContextManager[None] = announcing.announced(
        config.name, server_id, port
    )
    return context


def _where(port: int, fingerprint: str) -> dict[str, str | int]:
    return {
        "address": LOOPBACK,
        "port": port,
        "fingerprint": fingerprint,
        "server_id": fingerprint[:ID_DIGITS],
        "protocol": PROTOCOL_VERSION,
    }


def _keep(config: ServerConfig, line: dict[str, str | int], token: str, page: str) -> None:
    """A private file for those who come later."""
    private = {**line, "token": token, "pid": os.getpid(), "lan": config.lan, "page": page}
    write_private(config.data / "server.json", json.dumps(private).encode())


def _for_people(config: ServerConfig, line: dict[str, str | int], services: Services) -> str:
    devices = ", ".join(f"{d.name} ({d.memory_mb / 1000:.0f} GB)" for d in services.devices)
    return (
        f"{config.name}: listening on the network\n"
        f"  address      {Address(own_address(), int(line['port']))}\n"
        f"  fingerprint  {line['fingerprint']}\n"
        f"  devices      {devices}\n"
        "Let a computer in with: lightkiln pair"
    )


def _about_page(link: str) -> str:
    """The link, but not into a log: there its secret would lie for years."""
    if sys.stdout.isatty():
        return f"Status page: {link}"
    return f"Status page: {link.partition('?')[0]}  (its link is printed by: lightkiln web)"


def _say(text: str) -> None:
    """To whoever started us; if nobody reads it, nobody needs it."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
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
