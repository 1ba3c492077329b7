# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner's token: the secret of who runs the server; and that of the status page.

It must not know where a token comes from on the client's side.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from lightkiln_shared.errors import UserError

from .certificate import write_private

MIN_CHARACTERS = 32


def kept_token(folder: Path, name: str = "token") -> str:
    """A token of a data folder, made at the first start and readable by its owner only."""
    path = folder / name
    if not path.exists():
        write_private(path, secrets.token_urlsafe(32).encode())
    return path.read_text(encoding="ascii")


def checked_token(line: str) -> str:
    """A token that was handed over; `UserError` if it could be guessed."""
    token = line.strip()
    if len(token) < MIN_CHARACTERS:
        raise UserError(
            f"The token must have at least {MIN_CHARACTERS} characters.",
            hint="Write one random line to the standard input.",
        )
    return token
