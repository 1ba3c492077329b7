# SPDX-License-Identifier: GPL-3.0-or-later
"""Announces this backend on the network while it runs, and takes it back at its end.

Registering takes a second or two, for which nobody waits; what fails is logged, and the server
serves as well unannounced. When the machine's addresses change, the announcement follows.
It must not know TLS or the protocol.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lightkiln_shared.discovery import announcement, own_hosts
from zeroconf import Error, IPVersion, ServiceInfo
from zeroconf.asyncio import AsyncZeroconf

LOOK_SECONDS = 15.0
RETRY_SECONDS = 60.0
_log = logging.getLogger(__name__)


@asynccontextmanager
async def announced(name: str, server_id: str, port: int) -> AsyncIterator[None]:
    """Announced inside the block, soon after its beginning; said goodbye at its end."""
    announcing = asyncio.create_task(_announce(name, server_id, port))
    try:
        yield
    finally:
        announcing.cancel()
        await asyncio.gather(announcing, return_exceptions=True)


async def _announce(name: str, server_id: str, port: int) -> None:
    while True:
        hosts = own_hosts()
        try:
            async with _registered(announcement(name, server_id, port, hosts)):
                _log.info("announced on the network as %s", name)
                while own_hosts() == hosts:
                    await asyncio.sleep(LOOK_SECONDS)
        except (OSError, Error) as error:
            _log.warning("this backend cannot be announced: %s", error or type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)


@asynccontextmanager
async def _registered(info: ServiceInfo) -> AsyncIterator[None]:
    zeroconf = AsyncZeroconf(ip_version=IPVersion.V4Only)
    try:
        # a copy of this backend's folder may run elsewhere under the same id
        await zeroconf.async_register_service(info, allow_name_change=True)
        yield
    finally:
        await zeroconf.async_unregister_all_services()
        await zeroconf.async_close()
