# SPDX-License-Identifier: GPL-3.0-or-later
"""The backends that are known here, by name, in a file that nobody else may read.

It must not know how pairing goes.
"""

from __future__ import annotations

from pathlib import Path

from lightkiln_shared.codec import from_json, to_json
from lightkiln_shared.errors import MalformedMessage, UserError
from lightkiln_shared.known import Backend as Backend
from lightkiln_shared.known import Backends as Backends
from lightkiln_shared.private_file import write_private
from platformdirs import user_config_path


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
