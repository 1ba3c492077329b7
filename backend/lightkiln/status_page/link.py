# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the page is, and the secret that opens it: the context in which a server has one.

On this machine's loopback it is plain HTTP; on the network TLS 1.3 with the box's own certificate,
which a browser does not know and asks about once.
It must not know what is shown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path

from lightkiln_shared.address import Address

from lightkiln.server.caller import Services
from lightkiln.server.network import LOOPBACK, listen, own_address
from lightkiln.server.tokens import kept_token

from .app import StatusPage
from .door import Door, own_names
from .facts import Facts
from .sockets import PageSockets, tls_context


@dataclass(frozen=True, slots=True, kw_only=True)
class PageConfig:
    """How a page is to be served."""

    data: Path
    """The server's data folder."""
    name: str
    """What stands on the page."""
    port: int
    """0: any free one."""
    lan: bool = False
    """On all addresses of this machine, not on its loopback alone."""


@asynccontextmanager
async def status_page(config: PageConfig, services: Services) -> AsyncIterator[str]:
    """Serve the page inside this context; yields its link, the secret in it.

    `ResourceError` if the port is taken.
    """
    secret = kept_token(config.data, "page_token")
    facts = Facts(services, config.name)
    door = Door(
        StatusPage(facts).routes(),
        secret=secret,
        cookie=f"lightkiln-{services.server_id}",
        names=own_names(config.name),
    )
    listening = listen(config.port, lan=config.lan, option="--web-port")
    context = tls_context(config.data / "server.pem") if config.lan else None
    async with PageSockets(listening, door, context):
        host = own_address() if config.lan else LOOPBACK
        address = Address(host, listening.getsockname()[1])
        with closing(facts):
            yield f"{'https' if config.lan else 'http'}://{address}/?token={secret}"
