# SPDX-License-Identifier: GPL-3.0-or-later
"""The course of a run's figures, left in the job's folder for whoever draws curves of it.

A line of `figures.jsonl` is one point: `{"seconds": 12.3, "loss": 0.02, ...}`. Counted from the
first of an attempt, a point is kept if it lies at least 1 % later than the one before, so that an
hour is some 700 lines and a day 1,000.
It must not know what the figures mean.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping
from pathlib import Path

Point = dict[str, float]
FIRST_SECONDS = 0.1
LATER = 0.01
"""Of the time since the first point: how much later than a point the next one lies at least."""
MAX_BYTES = 8 * 1024**2
"""More than any run writes: what is beyond is not read."""


class Figures:
    """The worker's side: open for one attempt."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._began, self._due = math.inf, 0.0

    def add(self, seconds: float, figures: Mapping[str, float]) -> None:
        """Keep a point if it is time; a full disk costs the curve a point, not the job its run."""
        if not figures or seconds < self._due:
            return
        self._began = min(self._began, seconds)
        self._due = seconds + LATER * (seconds - self._began) + FIRST_SECONDS
        line = json.dumps({**figures, "seconds": round(seconds, 3)}, allow_nan=False) + "\n"
        with contextlib.suppress(OSError), self._path.open("ab") as file:
            file.write(line.encode())


def read(path: Path) -> list[Point]:
    """All points in the order of their time; an attempt that went back replaces what it redid."""
    points: list[Point] = []
    try:
        with path.open("rb") as file:
            lines = file.read(MAX_BYTES).splitlines()
    except OSError:
        return points
    for point in filter(None, map(_point, lines)):
        while points and points[-1]["seconds"] >= point["seconds"]:
            points.pop()
        points.append(point)
    return points


def _point(line: bytes) -> Point | None:
    """None for a line that was cut when its worker was killed or its disk was full."""
    try:
        found = json.loads(line)
    except ValueError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("seconds"), int | float):
        return None
    return {
        name: float(value)
        for name, value in found.items()
        if isinstance(value, int | float) and math.isfinite(value)
    }
