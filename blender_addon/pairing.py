# SPDX-License-Identifier: GPL-3.0-or-later
"""Becoming known to a backend by the code that it shows. No bpy: this runs in a thread of its own.

The code never crosses the wire, and nothing is believed of the backend before it has proved that it
knows the code too: see `shared.pairing`.
It must not know where what comes of it is kept.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from .connection import Connection, meet
from .shared import PROTOCOL_VERSION
from .shared.access import BeginPairing, FinishPairing
from .shared.address import Address, read_address, read_invitation
from .shared.errors import BackendLost, UserError
from .shared.known import ID_DIGITS, Backend, Backends
from .shared.pairing import Exchange, checked_name, new_nonce, read_code
from .shared.reach import another, knows_no_code

T = TypeVar("T")
MAX_OWN_NAME = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Whom to pair with."""

    addresses: tuple[Address, ...]
    """At least one; the first that answers is taken."""
    fingerprint: str = ""
    """The beginning of what it must be; empty: the code alone must show it."""
    code: str = field(default="", repr=False)
    """Empty will do for a backend that is known already."""


@dataclass(frozen=True, slots=True)
class Met:
    """A backend that is paired, and what it is called."""

    name: str
    backend: Backend


def read_wish(typed: str, secret: str, heard: tuple[Address, ...], server_id: str) -> Wish:
    """From what a person typed: an address, unless one was heard, and a code or a whole string.

    Raises `UserError`.
    """
    if "/" in secret.strip():
        invitation = read_invitation(secret)
        if not invitation.fingerprint.startswith(server_id):
            raise UserError("This connection string is of another backend.")
        return Wish(
            addresses=(invitation.address, *heard),
            fingerprint=invitation.fingerprint or server_id,
            code=invitation.code,
        )
    if not heard and not typed.strip():
        raise UserError("Type the backend's address, or paste its connection string as the code.")
    return Wish(
        addresses=heard or (read_address(typed),),
        fingerprint=server_id,
        code=read_code(secret) if secret.strip() else "",
    )


def pair(wish: Wish, known: Backends) -> Met:
    """Pair, or find a known backend at another address. Blocks; raises `LightkilnError`."""
    return asyncio.run(_first(wish.addresses, lambda address: _pair(address, wish, known)))


async def _first(addresses: tuple[Address, ...], work: Callable[[Address], Awaitable[T]]) -> T:
    """What comes of the first address that answers."""
    for address in addresses[:-1]:
        try:
            return await work(address)
        except BackendLost:
            continue
    return await work(addresses[-1])


async def _pair(address: Address, wish: Wish, known: Backends) -> Met:
    connection = await meet(address, lambda news, body: None)
    reading = asyncio.create_task(connection.run())
    try:
        seen = connection.fingerprint
        if not hmac.compare_digest(seen[: len(wish.fingerprint)], wish.fingerprint):
            raise another(address)
        name = known.name_of(seen[:ID_DIGITS])
        before = known.backends.get(name)
        if before is not None and before.fingerprint == seen and not wish.code:
            return Met(name, Backend(address=address, fingerprint=seen, token=before.token))
        if not wish.code:
            raise UserError(
                "A backend answers; now type the code that it shows.",
                hint="`lightkiln pair`, typed there, shows one.",
            )
        said, token = await _prove(connection, address, wish.code)
    finally:
        connection.drop()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    called = name or known.free_name(_name(said, address), seen)
    return Met(called, Backend(address=address, fingerprint=seen, token=token))


async def _prove(connection: Connection, address: Address, code: str) -> tuple[str, str]:
    """The backend's name and our token, once both sides have shown that they know the code."""
    me = _own_name()
    begin = BeginPairing(protocols=(PROTOCOL_VERSION,), client=me, nonce=new_nonce())
    exchange = Exchange(
        fingerprint=connection.fingerprint,
        client_nonce=begin.nonce,
        server_nonce=(await connection.request(begin)).nonce,
        client=me,
    )
    key = await asyncio.to_thread(exchange.key, code)
    paired = await connection.request(FinishPairing(proof=exchange.proof(key, "client")))
    if not exchange.is_proof(paired.proof, key, "server"):
        raise knows_no_code(address)
    return paired.name, paired.token


def _own_name() -> str:
    """What the backend's owner sees in the list of clients."""
    return checked_name(f"{socket.gethostname()[:MAX_OWN_NAME]} (Blender)")


def _name(said: str, address: Address) -> str:
    try:
        return checked_name(said)
    except UserError:  # none was given, or nothing that can be shown
        return str(address)[:MAX_OWN_NAME]
