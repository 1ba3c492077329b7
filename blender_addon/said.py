# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job of words was asked for, and what drew: read from its `prompt.json`. No bpy.

It must not know what the job has made.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

from .connection import Connection
from .shared.errors import MalformedMessage
from .transfers import fetch_artifact

ARTIFACT = "prompt.json"
MAX_BYTES, MAX_TEXT = 64 * 1024, 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A prompt as it was given to a backend."""

    text: str
    negative: str = ""
    seed: int = 0
    prior: str = ""
    """As it is named; empty: the method draws from none."""
    title: str = ""
    licence: str = ""
    """Of the prior's weights."""
    guidance: float = 0.0
    """How strictly the prompt was followed; 0: nobody said."""

    @property
    def terms(self) -> str:
        """What drew, and under which licence: a sentence, or nothing."""
        return f"Drawn by {self.title}; its licence: {self.licence}." if self.title else ""


async def fetch(connection: Connection, job_id: str) -> Said:
    """Fetch and check it."""
    return read(await fetch_artifact(connection, job_id, ARTIFACT))


def read(data: bytes) -> Said:
    """The document's fields; raises `MalformedMessage`."""
    try:
        plain = json.loads(data[:MAX_BYTES])
        texts = {
            name: str(plain.get(name, ""))[:MAX_TEXT]
            for name in ("text", "negative", "prior", "title", "licence")
        }
        guidance = float(plain.get("guidance", 0.0))
        return Said(
            seed=int(plain.get("seed", 0)) % 2**31,
            guidance=guidance if math.isfinite(guidance) else 0.0,
            **texts,
        )
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise MalformedMessage(f"the job's prompt cannot be read: {error}") from None
