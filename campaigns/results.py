# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a campaign may go on, and the page that keeps what the last ones counted."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import DOCS, commit, machine, today

FIGURES = DOCS / "reliability.json"
TEMPLATE = Path(__file__).with_name("reliability.template.md")


class Deadline:
    """The end of a campaign, counted from the first time that somebody asks for it."""

    def __init__(self, minutes: float) -> None:
        self.minutes = minutes
        self._end: float | None = None

    @property
    def has_come(self) -> bool:
        now = time.monotonic()
        self._end = self._end or now + 60.0 * self.minutes
        return now >= self._end


def asked_for(description: str, default: float = 10.0) -> Deadline:
    """The deadline that the command line names."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--minutes", type=float, default=default)
    return Deadline(parser.parse_args().minutes)


def keep(name: str, deadline: Deadline, **figures: Any) -> None:
    """Write a campaign's figures into the page."""
    known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    known[name] = {
        "date": today(),
        "commit": commit(),
        "machine": machine(),
        "minutes": deadline.minutes,
        **figures,
    }
    FIGURES.write_text(json.dumps(known, indent=1) + "\n")
    if known.keys() >= {"fuzz", "soak", "chaos"}:
        (DOCS / "reliability.md").write_text(TEMPLATE.read_text().format(**known))
