# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's ear: what `control.json` asks for, and whether the owner is still there.

It must not know what a request leads to.
"""

from __future__ import annotations

import time

from .folder import Control, JobFolder

LOOK_EVERY = 0.05


class Requests:
    """Reads the control file when it has changed, and looks at most every 50 ms."""

    def __init__(self, folder: JobFolder) -> None:
        self._folder = folder
        self._control = folder.read_control()
        self._looked_at = time.monotonic()
        self._version = self._stat()
        self.owner_gone = False
        """Set by whoever watches the owner: save and end."""

    def read(self) -> Control:
        """What is asked now."""
        now = time.monotonic()
        if now - self._looked_at >= LOOK_EVERY:
            self._looked_at = now
            version = self._stat()
            if version != self._version:
                self._version, self._control = version, self._folder.read_control()
        return self._control

    def _stat(self) -> tuple[int, int]:
        try:
            found = self._folder.control.stat()
        except FileNotFoundError:
            return 0, 0
        return found.st_mtime_ns, found.st_ino
