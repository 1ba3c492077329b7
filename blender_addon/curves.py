# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a run over time, and a picture of them, with numpy alone. No bpy.

Figures that fall over decades, such as a loss, are drawn by their logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 512
WIDTH = HEIGHT = 128
"""Pixels of a picture: Blender gives pictures in panels a square."""
INK, PAPER = (0.95, 0.62, 0.2, 1.0), (0.0, 0.0, 0.0, 0.25)
EDGE = 4
DECADES = 20.0
"""From this ratio of the largest to the smallest on, logarithms are drawn."""


@dataclass(slots=True)
class Curve:
    """One figure over the seconds of a run."""

    seconds: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)

    def add(self, seconds: float, value: float) -> None:
        """Note a value; a run that went back to a saved state forgets what came after that.

        The same value again tells nothing: a run repeats its last figures when it trains no more.
        """
        if self.values and self.values[-1] == value and self.seconds[-1] < seconds:
            return
        while self.seconds and self.seconds[-1] >= seconds:
            self.seconds.pop()
            self.values.pop()
        self.seconds.append(seconds)
        self.values.append(value)
        if len(self.seconds) > MAX_POINTS:  # every other one: the whole run stays in the picture
            del self.seconds[1:-1:2], self.values[1:-1:2]


def drawn(curve: Curve, width: int = WIDTH, height: int = HEIGHT) -> NDArray[Any]:
    """The curve as a picture (height, width, 4) float32 in [0, 1], bottom row first."""
    picture = np.tile(np.array(PAPER, dtype=np.float32), (height, width, 1))
    if len(curve.values) < 2:
        return picture
    at = np.linspace(curve.seconds[0], curve.seconds[-1], width)
    rows = _rows(np.interp(at, curve.seconds, _scaled(curve.values)), height)
    low, high = np.minimum(rows[:-1], rows[1:]), np.maximum(rows[:-1], rows[1:])
    heights = np.arange(height)[:, None]
    inside = (heights >= low - 1) & (heights <= high + 1)  # a line three pixels thick
    picture[:, :-1][inside] = INK
    return picture


def _scaled(values: Sequence[float]) -> NDArray[Any]:
    found = np.asarray(values, dtype=np.float64)
    if found.min() > 0.0 and found.max() / found.min() > DECADES:
        return np.log(found)
    return found


def _rows(values: NDArray[Any], height: int) -> NDArray[Any]:
    low, high = values.min(), values.max()
    share = (values - low) / (high - low) if high > low else np.full_like(values, 0.5)
    return np.asarray(np.rint(EDGE + share * (height - 1 - 2 * EDGE)), dtype=np.int64)
