# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends that this person has paired with, by name, in a file that nobody else may read.

It must not know how pairing goes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from lightkiln_shared.address import Address
from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import MalformedMessage, UserError
from platformdirs import user_config_path

from lightkiln.server.certificate import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where a backend is, how it is recognised and what opens it."""

    address: Address
    fingerprint: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """All of them, by the name that they have here."""

    backends: dict[str, Backend] = field(default_factory=dict)

    def named(self, name: str) -> Backend:
        """`UserError` if it is not known."""
        if name not in self.backends:
            known = ", ".join(sorted(self.backends)) or "none"
            raise UserError(f"No backend is known as {name!r}; known: {known}.")
        return self.backends[name]

    def is_free(self, name: str, fingerprint: str) -> bool:
        """True unless another backend has the name."""
        before = self.backends.get(name)
        return before is None or before.fingerprint == fingerprint

    def with_one(self, name: str, backend: Backend) -> Backends:
        """With one more, or the same one paired anew."""
        return replace(self, backends={**self.backends, name: backend})

    def without(self, name: str) -> Backends:
        """Without one; `UserError` if it is not known."""
        self.named(name)
        return replace(self, backends={k: v for k, v in self.backends.items() if k != name})


def path() -> Path:
    """Where they are kept."""
    return user_config_path("lightkiln", appauthor=False) / "backends.json"


def read() -> Backends:
    """What is kept."""
    if not path().exists():
        return Backends()
    try:
        return from_json(Backends, path().read_bytes())
    except MalformedMessage:
        raise UserError(
            f"The list of backends is damaged: {path()}.", hint="Remove it and pair again."
        ) from None


def write(backends: Backends) -> None:
    """Keep these."""
    path().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(path(), to_json(backends))
