# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar on the screen: where its panels are, opened and closed by clicks on their headers.

Blender tells nobody where a panel is; headers are found by their arrows, which look one way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from window.blender import Window

PREFIX = "LIGHTKILN_PT_"
DOWN = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (4, 5), (3, 6), (2, 7), (1, 8), (0, 9))
"""(row, column) of an open panel's arrow."""
RIGHT = ((0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (5, 4), (6, 4), (7, 3), (8, 2), (9, 1), (9, 0))
BRIGHT = 30
"""Levels of grey by which an arrow stands out."""
TOP = 14
"""Pixels from a header's upper edge to its arrow's middle."""
TABS = 24
"""Pixels that the strip of tabs takes."""
MARGIN = 5
TRIES = 30


@dataclass(frozen=True)
class Header:
    """A panel's header as it is seen."""

    name: str
    x: int
    y: int
    """The arrow's middle."""
    is_open: bool


class Sidebar:
    """The extension's tab."""

    def __init__(self, window: Window) -> None:
        self._window = window

    def open_only(self, names: Sequence[str]) -> None:
        """Open some panels, and what they stand in, and close all others.

        One that is not there now is nobody's fault.
        """
        wanted = {PREFIX + name for name in names}
        for panel in reversed(self._window.fresh()["panels"]):
            if panel["name"] in wanted and panel["parent"]:
                wanted.add(panel["parent"])
        for _ in range(TRIES):
            headers = self._headers(self._window.screen.picture())
            wrong = [h for h in headers if h.is_open != (h.name in wanted)]
            if not wrong:
                return
            first = min(wrong, key=lambda h: h.is_open)  # first open what is to be seen
            self._window.screen.click(first.x, first.y)
            self._park()
        raise AssertionError(f"the panels {names} cannot be arranged: {headers}")

    def box_of(self, names: Sequence[str], picture: Image.Image) -> tuple[int, int, int, int]:
        """The pixels (left, upper, right, lower) that some panels take."""
        headers = self._headers(picture)
        wanted = {PREFIX + name for name in names}
        places = [i for i, header in enumerate(headers) if header.name in wanted]
        x, _, width, _ = self._place()
        upper = headers[places[0]].y - TOP
        rest = headers[places[-1] + 1 :]
        # a parent's box ends where the next panel of its own level begins
        lower = rest[0].y - TOP if rest else self._end(picture, headers[-1])
        return x, max(upper - MARGIN, 0), x + width - TABS, lower + MARGIN

    def _park(self) -> None:
        """Take the mouse out of the way, where nothing lights up under it."""
        self._window.screen.move(4, 4)

    def _place(self) -> tuple[int, int, int, int]:
        return tuple(self._window.state()["places"]["UI"])

    def _headers(self, picture: Image.Image) -> list[Header]:
        x, y, _, height = self._place()
        grey = np.asarray(picture.convert("L")).astype(int)[y : y + height, x : x + 60]
        found = sorted(
            [(row, column, True) for row, column in _where(grey, DOWN)]
            + [(row, column, False) for row, column in _where(grey, RIGHT)]
        )
        seen = [(x + column, y + row, is_open) for row, column, is_open in found]
        return _named(seen, self._window.fresh()["panels"])

    def _end(self, picture: Image.Image, last: Header) -> int:
        """Where the last panel's outline at the right ends."""
        x, y, width, height = self._place()
        grey = np.asarray(picture.convert("L")).astype(int)
        row = grey[last.y, x + width // 2 : x + width - TABS]
        edge = x + width // 2 + int(np.flatnonzero(np.abs(np.diff(row)) > 8)[-1])
        column = grey[last.y : y + height, edge]
        changes = np.flatnonzero(np.abs(column - column[0]) > 8)
        return last.y + int(changes[0]) if len(changes) else y + height


def _where(grey: np.ndarray, arrow: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Middles (row, column) of the places where an arrow stands before an even ground."""
    rows, columns = (max(p[axis] for p in arrow) + 1 for axis in (0, 1))
    windows = np.lib.stride_tricks.sliding_window_view(grey, (rows + 2, columns + 2))
    ground = np.median(windows, axis=(2, 3))
    lit = windows > ground[..., None, None] + BRIGHT
    drawn = np.zeros((rows + 2, columns + 2), dtype=bool)
    for row, column in arrow:
        drawn[row + 1, column + 1] = True
    near = np.zeros_like(drawn)  # anti-aliasing lights pixels beside the line
    for shift in (-1, 0, 1):
        near |= np.roll(drawn, shift, axis=0) | np.roll(drawn, shift, axis=1)
    matches = lit[..., drawn].all(axis=-1) & ~lit[..., ~near].any(axis=-1)
    return [(int(r) + rows // 2 + 1, int(c) + columns // 2 + 1) for r, c in np.argwhere(matches)]


def _named(seen: Sequence[tuple[int, int, bool]], panels: Sequence[dict[str, Any]]) -> list[Header]:
    """Name headers (x, y, open) by the panels: they follow each other as these do.

    What is under a closed panel is not seen.
    """
    headers: list[Header] = []
    closed: set[str] = set()
    waiting = iter(seen)
    for panel in panels:
        if panel["parent"] in closed:
            closed.add(panel["name"])
            continue
        header = next(waiting, None)
        if header is None:
            break  # the others are below the sidebar's edge
        x, y, is_open = header
        headers.append(Header(name=panel["name"], x=x, y=y, is_open=is_open))
        if not is_open:
            closed.add(panel["name"])
    return headers
