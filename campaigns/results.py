# SPDX-License-Identifier: GPL-3.0-or-later
"""What a campaign was asked for, and the page that keeps what the last ones measured.

A row of the page has the name that the table of faults gives it: P1, C3, S9. Its figures lie in
`docs/benchmarks/reliability.json`, its words and its bar in `reliability.template.md`.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


def asked_seed(description: str) -> tuple[random.Random, int]:
    """Randomness that the command line can repeat; the seed is printed before anything begins."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    seed = parser.parse_args().seed
    sys.stdout.write(f"seed {seed}\n")
    return random.Random(seed), seed


def expect(holds: bool, what: str) -> None:
    """End the campaign with its evidence unless something holds."""
    if not holds:
        sys.exit(what)


def keep(row: str, **figures: Any) -> None:
    """Write a row's figures into the page."""
    with _alone():
        known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        known[row] = {"date": today(), "commit": commit(), "machine": machine(), **figures}
        FIGURES.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
        sys.stdout.write(f"{row}: {figures}\n")
        write_page(known)


def write_page(known: dict[str, Any]) -> None:
    """The page from the template; a row without figures says so."""
    rows = {name: {**figures, "run": _run(figures)} for name, figures in known.items()}
    text = TEMPLATE.read_text().format_map(_Rows(rows))
    (DOCS / "reliability.md").write_text(text)


def _run(figures: dict[str, Any]) -> str:
    seed = f", seed {figures['seed']}" if "seed" in figures else ""
    return f"{figures['date']} at {figures['commit']}{seed}"


class _Rows(dict[str, Any]):
    def __missing__(self, row: str) -> _NotYet:
        return _NotYet()


class _NotYet:
    def __getitem__(self, _: str) -> _NotYet:
        return self

    def __format__(self, _: str) -> str:
        return "not yet"


@contextmanager
def _alone() -> Iterator[None]:
    with TEMPLATE.open() as lock:  # two campaigns may end at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


if __name__ == "__main__":
    write_page(json.loads(FIGURES.read_text()))
