# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is let in, what each may ask, and how clients become known or are sent away.

`check` stands before every handler: who asks must have said hello, the owner's requests are the
owner's, and a job is its client's alone.
It must not know sockets or frames.
"""

from __future__ import annotations

import logging
from typing import Any

from lightkiln_shared import PROTOCOL_VERSION, sharing
from lightkiln_shared.access import (
    FOR_THE_OWNER,
    OPENING,
    BeginPairing,
    Clients,
    FinishPairing,
    ListClients,
    OpenPairing,
    Paired,
    PairingChallenge,
    PairingOpened,
    RevokeClient,
)
from lightkiln_shared.errors import NotAuthorised, VersionMismatch
from lightkiln_shared.messages import Done, Hello, Request, Welcome
from lightkiln_shared.pairing import checked_name

from lightkiln import __version__

from . import limits
from .caller import Caller

_log = logging.getLogger(__name__)


async def check(caller: Caller, request: Request[Any]) -> None:
    """`NotAuthorised` or `UnknownJob` unless this client may ask this."""
    if isinstance(request, (Hello, *OPENING)):
        return
    identity = caller.known()
    if isinstance(request, (*FOR_THE_OWNER, *sharing.FOR_THE_OWNER)):
        if not identity.is_owner:
            raise NotAuthorised(
                "Only the backend's owner may do this.", hint="Do it at the backend."
            )
        return
    job_id = getattr(request, "job_id", None)
    if job_id is not None:
        await caller.services.queue.check_owner(job_id, identity.client_id)


async def hello(caller: Caller, request: Hello) -> Welcome:
    services = caller.services
    _check_version(request.protocols)
    identity = services.clients.identify(request.token, is_here=caller.is_here)
    if identity is None:
        raise NotAuthorised("The backend does not accept this token.", hint="Pair with it again.")
    caller.come_in(identity)
    return Welcome(
        protocol=PROTOCOL_VERSION,
        server_version=__version__,
        server_id=services.server_id,
        devices=services.devices[: limits.MAX_GREETED],
        name=services.name,
    )


async def begin_pairing(caller: Caller, request: BeginPairing) -> PairingChallenge:
    _check_version(request.protocols)
    name = checked_name(request.client)
    caller.pairing = caller.services.window.begin(name, request.nonce)
    return PairingChallenge(nonce=caller.pairing.server_nonce)


async def finish_pairing(caller: Caller, request: FinishPairing) -> Paired:
    exchange, caller.pairing = caller.pairing, None
    if exchange is None:
        raise NotAuthorised("No pairing was begun.", hint="Begin it again.")
    proof = await caller.services.window.finish(exchange, request.proof)
    token = caller.services.clients.add(exchange.client)
    _log.info("paired with %s", exchange.client)
    return Paired(proof=proof, token=token, name=caller.services.name)


async def open_pairing(caller: Caller, request: OpenPairing) -> PairingOpened:
    window = caller.services.window
    caller.shown_code = window.open()
    return PairingOpened(code=caller.shown_code, seconds=window.seconds_left)


async def list_clients(caller: Caller, request: ListClients) -> Clients:
    services = caller.services
    return Clients(clients=services.clients.listed(), code_seconds=services.window.seconds_left)


async def revoke_client(caller: Caller, request: RevokeClient) -> Done:
    caller.services.clients.remove(request.client_id)
    _log.info("the pairing of %s has ended", request.client_id)
    caller.services.housekeeping.forget_client(request.client_id)
    return Done()


def _check_version(protocols: tuple[int, ...]) -> None:
    if PROTOCOL_VERSION not in protocols:
        raise VersionMismatch(
            f"The backend speaks protocol version {PROTOCOL_VERSION}, this client "
            f"{', '.join(map(str, protocols[:5])) or 'none'}.",
            hint="Update the older of the two, Lightkiln's add-on or its backend.",
        )
