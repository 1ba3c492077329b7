# SPDX-License-Identifier: GPL-3.0-or-later
"""The two minutes in which a code is shown, and how often it may be guessed.

One code at a time, for one client. A guess costs the guesser an exchange of its own; after
`PAIRING_TRIES` wrong ones the code is dead. So strangers guess right with a chance of 5 in 2^40,
and all they can do otherwise is to spoil a code.
It must not know messages or tokens.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from lightkiln_shared.errors import NotAuthorised
from lightkiln_shared.pairing import Exchange, new_code, new_nonce

from . import limits

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Code:
    text: str
    until: float
    """On the window's clock."""
    tries_left: int = limits.PAIRING_TRIES


class PairingWindow:
    """Closed at first; every `open` shows another code."""

    def __init__(self, fingerprint: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._fingerprint, self._clock = fingerprint, clock
        self._code: _Code | None = None
        self._one_at_a_time = asyncio.Lock()

    def open(self) -> str:
        """Return a new code; the one before is dead."""
        self._code = _Code(new_code(), self._clock() + limits.PAIRING_SECONDS)
        return self._code.text

    def close(self, text: str) -> None:
        """Let a code die, if it is still the one that is shown."""
        if self._code is not None and self._code.text == text:
            self._code = None

    @property
    def seconds_left(self) -> float:
        """How long the code can still be used; 0: there is none."""
        code = self._code
        return max(0.0, code.until - self._clock()) if code and code.tries_left else 0.0

    def begin(self, client: str, client_nonce: str) -> Exchange:
        """Answer a client's nonce; `NotAuthorised` while no code is shown."""
        self._living()
        return Exchange(
            fingerprint=self._fingerprint,
            client_nonce=client_nonce,
            server_nonce=new_nonce(),
            client=client,
        )

    async def finish(self, exchange: Exchange, proof: str) -> str:
        """Use up the code for a right proof and return the server's; `NotAuthorised`."""
        async with self._one_at_a_time:
            code = self._living()
            code.tries_left -= 1
            key = await asyncio.to_thread(exchange.key, code.text)
            if self._code is not code or not exchange.is_proof(proof, key, "client"):
                _log.warning("a wrong pairing code, %d tries left", code.tries_left)
                raise NotAuthorised(
                    "The pairing code is wrong.",
                    hint="Read it again; after a few wrong ones `lightkiln pair` shows another.",
                )
            self._code = None
            return exchange.proof(key, "server")

    def _living(self) -> _Code:
        if self._code is None or not self.seconds_left:
            self._code = None
            raise NotAuthorised(
                "The backend shows no pairing code now.",
                hint="Type `lightkiln pair` there: a code serves one client, for two minutes.",
            )
        return self._code
