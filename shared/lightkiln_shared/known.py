# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends that a person has paired with, by the name that each has with this person.

It must not know how pairing goes, nor where the list is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .address import Address
from .errors import UserError

ID_DIGITS = 16
"""Of a certificate's fingerprint: they name a backend where it need not be proved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """Where a backend is, how it is recognised and what opens it."""

    address: Address
    fingerprint: str
    token: str = field(repr=False)

    @property
    def server_id(self) -> str:
        """How it is called in announcements and files."""
        return self.fingerprint[:ID_DIGITS]


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

    def free_name(self, wanted: str, fingerprint: str) -> str:
        """That name, or with a number if another backend has it."""
        names = (wanted, *(f"{wanted}-{number}" for number in range(2, len(self.backends) + 2)))
        return next(name for name in names if self.is_free(name, fingerprint))

    def name_of(self, server_id: str) -> str:
        """What a backend is called here; empty: it is not known."""
        names = (name for name, b in self.backends.items() if b.server_id == server_id)
        return next(names, "")

    def with_one(self, name: str, backend: Backend) -> Backends:
        """With one more, or the same one paired anew."""
        return replace(self, backends={**self.backends, name: backend})

    def without(self, name: str) -> Backends:
        """Without one; `UserError` if it is not known."""
        self.named(name)
        return replace(self, backends={k: v for k, v in self.backends.items() if k != name})
