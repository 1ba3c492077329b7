# SPDX-License-Identifier: GPL-3.0-or-later
"""How much and how fast a client may: the figures, and what measures them.

Sizes of frames and credit stand in `lightkiln_shared.session`, what the owner may set for clients
in `lightkiln.jobs.rules`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from lightkiln_shared.codec import pack
from lightkiln_shared.errors import OverQuota
from lightkiln_shared.messages import ControlJob, FinishAgain, Message, Reply, SubmitJob
from lightkiln_shared.session import MAX_CONTROL

from lightkiln.jobs.rules import Rules

T = TypeVar("T")
R = TypeVar("R", bound=Reply)
HANDSHAKE_SECONDS = 5.0
HELLO_SECONDS = 5.0
MAX_CONNECTIONS = 64
MAX_STRANGERS = 16
"""Connections that have not said a good hello; the oldest goes when one more comes."""
PING_SECONDS = 10.0
DEAD_SECONDS = 30.0
"""Without a byte from the client for this long, it is gone."""
WRITE_SECONDS = 30.0
"""A client that takes nothing for this long is cut; it can come back and loses nothing."""
OUTBOX_BYTES = 8 * 1024**2
"""With more than this waiting for a client, its requests wait too."""
PROOF_SECONDS = 20.0
"""For the proof once a pairing has begun: both sides work on it for a second or so."""
PAIRING_SECONDS = 120.0
"""How long a pairing code can be used."""
PAIRING_TRIES = 5
"""Wrong proofs after which the code is dead."""
MAX_REQUESTS = 200.0
"""A second, on one connection; twice as many at once."""
MAX_GREETED = 24
"""Devices that a welcome tells of, which must fit into the first frame."""
MAX_OFFERED = 500
MAX_LISTED_JOBS = 200


@dataclass(slots=True)
class Bucket:
    """Allows `rate` a second, and up to `burst` at once."""

    rate: float
    burst: float
    _level: float = field(init=False)
    _at: float = field(init=False)

    def __post_init__(self) -> None:
        self._level, self._at = self.burst, time.monotonic()

    def take(self) -> bool:
        """True if one more is allowed now."""
        now = time.monotonic()
        self._level = min(self.burst, self._level + (now - self._at) * self.rate)
        self._at = now
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True


@dataclass(slots=True)
class Allowance:
    """What one client may still do, over all of its connections; the owner is not measured."""

    rules: Rules
    connections: int = 0
    uploads: int = 0
    _submits: Bucket = field(init=False)
    _controls: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self._submits = _a_minute(self.rules.submits_per_minute)
        self._controls = _a_minute(self.rules.controls_per_minute)

    @contextmanager
    def upload(self) -> Iterator[None]:
        """A file is on its way; `OverQuota` if too many are."""
        if self.uploads >= self.rules.uploads:
            raise OverQuota(
                f"More than {self.rules.uploads} files at a time are not taken in.",
                hint="Send them one after the other.",
            )
        self.uploads += 1
        try:
            yield
        finally:
            self.uploads -= 1

    def connect(self) -> None:
        """One more connection, until `connections` is counted down; `OverQuota`."""
        if self.connections >= self.rules.connections:
            raise OverQuota(
                f"You have {self.rules.connections} connections to this backend already.",
                hint="Close one of them, and wait half a minute for one that is cut.",
            )
        self.connections += 1

    def count(self, request: Message) -> None:
        """`OverQuota` if the client asks for this too often."""
        if isinstance(request, (SubmitJob, FinishAgain)) and not self._submits.take():
            raise _too_often("jobs", self.rules.submits_per_minute)
        if isinstance(request, ControlJob) and not self._controls.take():
            raise _too_often("cancels, pauses and the like", self.rules.controls_per_minute)


def as_many_as_fit(items: tuple[T, ...], reply: Callable[[tuple[T, ...]], R]) -> R:
    """A reply with the first of some items, as many as one message takes."""
    while len(pack(made := reply(items))) > MAX_CONTROL - 256:  # the envelope's numbers grow
        items = items[: len(items) * 3 // 4]
    return made


def _a_minute(number: float) -> Bucket:
    return Bucket(rate=number / 60.0, burst=number)


def _too_often(what: str, number: float) -> OverQuota:
    return OverQuota(
        f"More than {number:g} {what} a minute are not taken.", hint="Wait a minute, then go on."
    )
