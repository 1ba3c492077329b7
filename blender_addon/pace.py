# SPDX-License-Identifier: GPL-3.0-or-later
"""How busy Blender's main thread is, told by how late a timer's calls come.

After a mesh that changed Blender draws each viewport eight times or more, to smooth its edges.
Without a graphics card that takes seconds, on the processors that a backend on this machine learns
on. It must not know what is drawn.
"""

from __future__ import annotations

EASE = 0.25
"""Share of the time since the last change that may have been waited."""
LONGEST = 5.0
"""Seconds that are remembered at most: a person's own long operation is no reason for a long pause
after it."""


class Pace:
    """Whether the last change has been digested."""

    def __init__(self) -> None:
        self._began = 0.0
        self._late = 0.0

    def began(self, now: float) -> None:
        """Something that will be drawn was changed."""
        self._began, self._late = now, 0.0

    def came(self, due: float, now: float) -> None:
        """The timer was called at `now` and not at `due`; seconds."""
        self._late = min(self._late + max(0.0, now - due), LONGEST)

    def is_at_ease(self, now: float) -> bool:
        """True if Blender had time left since the last change."""
        return self._late <= EASE * (now - self._began)
