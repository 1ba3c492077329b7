# SPDX-License-Identifier: GPL-3.0-or-later
"""The server that runs on this machine, as its owner reaches it.

It must not know what is asked.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from lightkiln_shared.address import Address
from lightkiln_shared.errors import UserError
from platformdirs import user_data_path

from lightkiln.jobs.atomic import is_locked
from lightkiln.server.network import LOOPBACK

from .remote import Remote


@dataclass(frozen=True, slots=True, kw_only=True)
class AtHome:
    """What a running server keeps in its data folder."""

    port: int
    fingerprint: str
    token: str
    lan: bool
    page: str
    """The status page's link, its secret in it; empty: there is none."""

    def connect(self) -> Remote:
        """An open session of the owner."""
        remote = Remote(Address(LOOPBACK, self.port), self.fingerprint)
        remote.hello(self.token)
        return remote


def data_folder(given: Path | None) -> Path:
    """The data folder that was named, or this person's own."""
    return given or user_data_path("lightkiln", appauthor=False)


def running_in(folder: Path) -> AtHome:
    """The server of a data folder; `UserError` if none runs."""
    path = folder / "server.json"
    if not is_locked(folder / "server.lock") or not path.exists():
        raise UserError(
            f"No server is running in {folder}.",
            hint="Start one with `lightkiln serve --lan`, or name its folder with --data.",
        )
    found = json.loads(path.read_text(encoding="utf-8"))
    return AtHome(**{name: found[name] for name in AtHome.__slots__})
