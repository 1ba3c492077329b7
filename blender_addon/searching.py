# SPDX-License-Identifier: GPL-3.0-or-later
"""Listening for backends that are announced on the network, while somebody wants it. No bpy.

What is heard is no more than a list of names: nothing is connected to from here.
"""

from __future__ import annotations

import importlib
import threading

from .shared.announcement import Announced

SEARCH_SECONDS = 30.0
"""After this it stops by itself."""


class Searching:
    """One search, in a thread of its own. The main thread reads `found`, `problem` and `is_on`."""

    def __init__(self) -> None:
        self.found: tuple[Announced, ...] = ()
        self.problem = ""
        self.is_on = True
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="lightkiln-search", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening soon; what was found stays."""
        self._ended.set()

    def join(self, seconds: float) -> None:
        """Wait until it has stopped."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            # takes a quarter of a second, for which only who searches waits
            discovery = importlib.import_module(".shared.discovery", __package__)
            with discovery.Search(self._take):
                self._ended.wait(SEARCH_SECONDS)
        except (OSError, ImportError) as error:
            self.problem = f"The network cannot be searched: {error}. Type the backend's address."
        finally:
            self.is_on = False

    def _take(self, found: tuple[Announced, ...]) -> None:
        if not self._ended.is_set():
            self.found = found
