# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that only their owner may read: keys, tokens, lists of who is trusted.

It must not know what is in them.
"""

from __future__ import annotations

import os
from pathlib import Path

PRIVATE = 0o600


def write_private(path: Path, data: bytes) -> None:
    """Replace a file that only its owner may read."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    beside.replace(path)
