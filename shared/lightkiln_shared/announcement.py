# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backend says of itself on the network, and what is believed of what is heard.

Anybody in the network can announce anything under any name. So an announcement holds nothing that
is not public, and what is heard only fills a list: it connects to nothing and pairs with nothing.

    service   _lightkiln._tcp.local., its instance called by the id
    TXT       p    protocol versions, `1-1`
              id   first 16 hexadecimal digits of the certificate's SHA-256
              n    the name that its owner gave it

It must not know sockets or multicast: that is `discovery`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from . import PROTOCOL_VERSION
from .address import MAX_PORT, Address, read_address
from .errors import UserError
from .pairing import checked_name

SERVICE = "_lightkiln._tcp.local."
MAX_VALUE = 200
"""Bytes of a value; a pair may have 255."""
MAX_ADDRESSES = 8
_ID = re.compile(r"[0-9a-f]{16}")
_RANGE = re.compile(r"([0-9]{1,4})-([0-9]{1,4})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A backend that somebody announces."""

    server_id: str
    name: str
    addresses: tuple[Address, ...]
    """At least one."""
    speaks: bool
    """It says that it speaks this protocol."""


def told(name: str, server_id: str) -> dict[str, str]:
    """The TXT record of a backend."""
    shown = name.encode()[:MAX_VALUE].decode(errors="ignore")
    return {"p": f"{PROTOCOL_VERSION}-{PROTOCOL_VERSION}", "id": server_id, "n": shown}


def heard(
    record: Mapping[bytes, bytes | None], hosts: Iterable[str], port: int | None
) -> Announced | None:
    """An announcement; None if it is not one that a backend of ours would make."""
    values = {key: _text(record.get(key.encode())) for key in ("p", "id", "n")}
    protocols = _RANGE.fullmatch(values["p"])
    addresses = tuple(_addresses(hosts, port or 0))[:MAX_ADDRESSES]
    if protocols is None or not _ID.fullmatch(values["id"]) or not addresses:
        return None
    try:
        name = checked_name(values["n"])
    except UserError:
        return None
    return Announced(
        server_id=values["id"],
        name=name,
        addresses=addresses,
        speaks=int(protocols[1]) <= PROTOCOL_VERSION <= int(protocols[2]),
    )


def _text(value: bytes | None) -> str:
    """Empty if it cannot be read."""
    try:
        return (value or b"")[: MAX_VALUE + 1].decode()
    except UnicodeDecodeError:
        return ""


def _addresses(hosts: Iterable[str], port: int) -> Iterable[Address]:
    if not 0 < port <= MAX_PORT:
        return
    for host in hosts:
        try:
            yield Address(read_address(host).host, port)
        except UserError:
            continue
