# SPDX-License-Identifier: GPL-3.0-or-later
"""The paired backends in a file of their own, and how one of them is found again. No bpy.

    backends.json    names, addresses, fingerprints and tokens  (0600)

It must not know where that file is, nor what is asked of a backend.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from .connection import Endpoint
from .shared.address import Address
from .shared.codec import from_json, to_json
from .shared.errors import MalformedMessage, UserError
from .shared.known import Backend, Backends
from .shared.private_file import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What the file holds."""

    known: Backends = field(default_factory=Backends)
    chosen: str = ""
    """The id of the backend that was last connected to; empty: the one of this computer."""


def read(path: Path) -> Kept:
    """What is kept; `UserError` if the file is damaged."""
    if not path.exists():
        return Kept()
    try:
        return from_json(Kept, path.read_bytes())
    except MalformedMessage:
        raise UserError(
            f"The list of paired backends is damaged: {path.name}.",
            hint="Remove it from the extension's folder and pair again.",
        ) from None


def write(path: Path, kept: Kept) -> None:
    """Keep this."""
    write_private(path, to_json(kept))


class Paired:
    """Where to look for a paired backend: where it was, then where it is said to be."""

    def __init__(self, backend: Backend, heard: tuple[Address, ...]) -> None:
        self._backend = backend
        self._addresses = tuple(dict.fromkeys((backend.address, *heard)))
        self._num_looks = 0

    def locate(self) -> Endpoint:
        """The next place to look; that it is the right backend, its certificate shows."""
        address = self._addresses[self._num_looks % len(self._addresses)]
        self._num_looks += 1
        return Endpoint(
            address=address.host,
            port=address.port,
            fingerprint=self._backend.fingerprint,
            token=self._backend.token,
        )
