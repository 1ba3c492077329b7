# SPDX-License-Identifier: GPL-3.0-or-later
"""A screen without a monitor, a hand that clicks, an eye that finds buttons."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 1600, 900
STILL_TRIES = 20
SETTLE = 0.3
"""Seconds that Blender wants between the mouse's coming and its click."""


class Screen:
    """An X display."""

    def __init__(self, display: str) -> None:
        self.display = display

    def move(self, x: float, y: float) -> None:
        self._do("mousemove", str(round(x)), str(round(y)))
        time.sleep(SETTLE)

    def click(self, x: float, y: float) -> None:
        self.move(x, y)
        self._do("click", "1")
        time.sleep(SETTLE)

    def key(self, keys: str, x: float, y: float) -> None:
        """Press keys, such as `ctrl+z`, with the mouse at a place."""
        self.move(x, y)
        self._do("key", keys)
        time.sleep(SETTLE)

    def picture(self) -> Image.Image:
        """What a person would see."""
        command = ["import", "-window", "root", "-display", self.display, "png:-"]
        shot = subprocess.run(command, check=True, capture_output=True, timeout=30)
        return Image.open(io.BytesIO(shot.stdout)).convert("RGB")

    def still(self) -> Image.Image:
        """The picture once nothing moves; what a click changed is drawn a little later."""
        before = self.picture()
        for _ in range(STILL_TRIES):
            time.sleep(1.0)
            after = self.picture()
            if after.tobytes() == before.tobytes():
                return after
            before = after
        raise AssertionError("the screen does not come to rest")

    def _do(self, *words: str) -> None:
        about = {**os.environ, "DISPLAY": self.display}
        subprocess.run(["xdotool", *words], env=about, check=True, timeout=30)


@contextmanager
def screen() -> Iterator[Screen]:
    """A display of its own that ends with the block."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24"]
    with subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL) as server:
        os.close(write)
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        try:
            yield Screen(f":{number}")
        finally:
            server.terminate()


def runs_of(column: np.ndarray, shortest: int) -> list[tuple[int, int]]:
    """The (start, end) of stretches of one colour in a column of pixels (H, 3)."""
    breaks = np.flatnonzero(np.abs(np.diff(column.astype(int), axis=0)).max(axis=1) > 0) + 1
    bounds = [0, *breaks.tolist(), len(column)]
    pairs = itertools.pairwise(bounds)
    return [(start, end) for start, end in pairs if end - start >= shortest]
