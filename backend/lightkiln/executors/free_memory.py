# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory is free on what this machine computes on, now.

Asked by clients every few seconds, so an answer serves all of them for a while.
It must not know who uses the rest.
"""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from pathlib import Path

from .devices import Slot

QUERY = ("--query-gpu=uuid,memory.free", "--format=csv,noheader,nounits")
FRESH_SECONDS = 2.0
MEMINFO = Path("/proc/meminfo")


class FreeMemory:
    """Megabytes that are free on each of some slots; 0 where nobody says."""

    def __init__(self, slots: tuple[Slot, ...]) -> None:
        self._slots = slots
        self._known: tuple[int, ...] = ()
        self._known_at = -FRESH_SECONDS
        self._asking = asyncio.Lock()

    async def now(self) -> tuple[int, ...]:
        """In the order of the slots, at most two seconds old."""
        async with self._asking:
            if time.monotonic() - self._known_at >= FRESH_SECONDS:
                self._known = await asyncio.to_thread(_ask, self._slots)
                self._known_at = time.monotonic()
            return self._known


def _ask(slots: tuple[Slot, ...]) -> tuple[int, ...]:
    gpus = _gpus() if any(slot.visible for slot in slots) else {}
    return tuple(gpus.get(slot.visible, 0) if slot.visible else _main() for slot in slots)


def _gpus() -> dict[str, int]:
    """By UUID."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return {}
    try:
        answer = subprocess.run(
            [program, *QUERY], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):  # a driver that hangs must not end a session
        return {}
    rows = (line.split(",") for line in answer.stdout.splitlines())
    pairs = ((row[0].strip(), row[1].strip()) for row in rows if len(row) == len(("uuid", "free")))
    return {uuid: int(free) for uuid, free in pairs if free.isdigit()}


def _main() -> int:
    if not MEMINFO.exists():
        return 0
    rows = dict(line.split(":", 1) for line in MEMINFO.read_text().splitlines())
    return int(rows["MemAvailable"].split()[0]) // 1024
