# SPDX-License-Identifier: GPL-3.0-or-later
"""How much and how fast a client may: the figures, and a bucket that measures rates.

Sizes of frames and credit stand in `lightkiln_shared.session`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

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
