# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backend's owner grants to each client, and the file that says so.

    DATA/sharing.toml    any of the names below, one a line: `disk_gib = 50`

The rules are read when the server starts. They bind clients; the owner's own jobs take their fair
share of the devices like everybody's, and are bound by the disk alone.
It must not know how a rule is kept.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from lightkiln_shared.errors import InvalidParams
from lightkiln_shared.params import build, param

FILE = "sharing.toml"
MAX_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Rules:
    """For each client."""

    unfinished_jobs: int = param(
        50, "Jobs that may wait, pause or be worked on.", min=1, max=10_000
    )
    running_jobs: int = param(8, "Jobs that may be worked on at a time.", min=1, max=1000)
    finished_jobs: int = param(
        1000, "Jobs that are over; beyond them the oldest are deleted.", min=1, max=100_000
    )
    disk_gib: float = param(
        100.0, "Disk that jobs and files may take, GiB.", min=0.001, max=1_000_000.0
    )
    keep_days: float = param(
        30.0, "Days after which a job that is over is deleted; 0: never.", min=0.0, max=36_500.0
    )
    connections: int = param(16, "Connections at a time.", min=1, max=64)
    uploads: int = param(16, "Files on their way at a time.", min=1, max=64)
    submits_per_minute: float = param(20.0, "Jobs to be taken in.", min=1.0, max=10_000.0)
    controls_per_minute: float = param(60.0, "Cancels, pauses and the like.", min=1.0, max=10_000.0)
    forget_hours: float = param(
        1.0,
        "Hours after which half of the device time that was used counts no more.",
        min=0.01,
        max=1000.0,
    )


def read(folder: Path) -> Rules:
    """The rules of a data folder; `InvalidParams` says what is wrong with its file."""
    path = folder / FILE
    if not path.exists():
        return Rules()
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidParams("The file is too large.")
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return build(Rules, values)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidParams(f"{path} cannot be read: {error}.") from None
    except InvalidParams as error:
        raise InvalidParams(f"{path}: {error.message}", hint=error.hint) from None
