# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may come in: the backend's owner by the folder's own token, paired clients by theirs.

    DATA/clients.json    the paired clients, with the SHA-256 of each one's token  (0600)

The owner's token opens nothing from beyond this machine. A token has 256 random bits, so a plain
hash of it can be kept; all of them are compared, in a time that says nothing about any.
It must not know how a client comes to be paired.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

from lightkiln_shared.access import ClientInfo
from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import MalformedMessage, ResourceError, UserError

from .certificate import write_private


@dataclass(frozen=True, slots=True, eq=False)
class Identity:
    """Whoever has said a good hello; one for all connections of a client."""

    client_id: str
    """Empty: the backend's owner."""
    revoked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_owner(self) -> bool:
        """True for who holds the folder's own token."""
        return not self.client_id


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    info: ClientInfo
    token_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Register:
    clients: tuple[_Known, ...] = ()


class Clients:
    """The clients of a data folder."""

    def __init__(self, folder: Path, owners_token: str) -> None:
        self._path = folder / "clients.json"
        self._owner = _digest(owners_token)
        self._owners_identity = Identity("")
        self._known = {known.info.client_id: known for known in self._read().clients}
        self._identities = {client_id: Identity(client_id) for client_id in self._known}

    def identify(self, token: str, *, is_here: bool) -> Identity | None:
        """Whose token this is; `is_here`: it comes from this machine."""
        given = _digest(token)
        is_owner = hmac.compare_digest(given, self._owner)
        found = [
            client_id
            for client_id, known in self._known.items()
            if hmac.compare_digest(given, known.token_sha256)
        ]
        if found:
            self._saw(found[0])
            return self._identities[found[0]]
        return self._owners_identity if is_owner and is_here else None

    def add(self, name: str) -> str:
        """Make a client known; returns its token, which is kept nowhere here."""
        client_id, token = secrets.token_hex(8), secrets.token_urlsafe(32)
        info = ClientInfo(client_id=client_id, name=name, paired=time.time(), last_seen=0.0)
        known = _Known(info=info, token_sha256=_digest(token))
        self._write({**self._known, client_id: known})
        self._identities[client_id] = Identity(client_id)
        return token

    def remove(self, client_id: str) -> None:
        """Know a client no more, and tell its connections."""
        if client_id not in self._known:
            raise UserError("There is no such client.", hint="`lightkiln clients` lists them.")
        self._write({key: known for key, known in self._known.items() if key != client_id})
        self._identities.pop(client_id).revoked.set()

    def listed(self) -> tuple[ClientInfo, ...]:
        """All that are paired, oldest first."""
        return tuple(known.info for known in self._known.values())

    def _saw(self, client_id: str) -> None:
        known = self._known[client_id]
        seen = replace(known, info=replace(known.info, last_seen=time.time()))
        with contextlib.suppress(OSError):  # a full disk must not lock anybody out
            self._write({**self._known, client_id: seen})

    def _write(self, known: dict[str, _Known]) -> None:
        write_private(self._path, to_json(_Register(clients=tuple(known.values()))))
        self._known = known

    def _read(self) -> _Register:
        if not self._path.exists():
            return _Register()
        try:
            return from_json(_Register, self._path.read_bytes())
        except MalformedMessage:
            raise ResourceError(
                f"The list of clients is damaged: {self._path}.",
                hint="Move the file away, start again, and pair the clients anew.",
            ) from None


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
