# SPDX-License-Identifier: GPL-3.0-or-later
"""What changes while a neural surface learns, as functions of its progress u in [0, 1].

    NeuS (supplement)          rate: linear from 0 over 1/60, then half a cosine to 5 %
    Neuralangelo (section 4)   rate: linear from 0 over 1/100, then x 0.1 at 0.6 and again at 0.8
                               levels: one more each 1/100; the gradient's step is that of the
                               newest level, and the curvature's weight goes with it

A schedule in parts of the whole is the paper's at the paper's number of steps, and the same shape
at fewer. It must not know networks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

COSINE_WARM, COSINE_END = 1.0 / 60.0, 0.05
STAIRS_WARM, STAIRS = 0.01, ((0.6, 0.1), (0.8, 0.1))


def cosine_rate(u: float) -> float:
    """NeuS' rate over its largest."""
    if u < COSINE_WARM:
        return u / COSINE_WARM
    after = (u - COSINE_WARM) / (1.0 - COSINE_WARM)
    return COSINE_END + (1.0 - COSINE_END) * 0.5 * (1.0 + math.cos(math.pi * after))


def stairs_rate(u: float) -> float:
    """Neuralangelo's rate over its largest."""
    if u < STAIRS_WARM:
        return u / STAIRS_WARM
    return math.prod(factor for start, factor in STAIRS if u >= start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """How the levels of a hash grid join in, and what follows from it."""

    resolutions: tuple[int, ...]
    """Cells along the cube [-1, 1]³, coarsest first."""
    at_first: int
    """Levels that count from the start."""
    share: float
    """Part of the whole after which one more does."""
    cells: float
    """The gradient's step, in cells of the newest level."""

    def newest(self, u: float) -> int:
        """Its number, from 1: the gradient's step starts at the coarsest, whatever counts."""
        late = math.floor((u - self.share) / self.share + 1e-9)  # a boundary is the next level's
        return min(max(late, 1), len(self.resolutions))

    def active(self, u: float) -> int:
        """How many levels count."""
        return min(max(self.newest(u), self.at_first), len(self.resolutions))

    def step(self, u: float) -> float:
        """Of the numerical gradient, in the ball's frame."""
        return self.cells * 2.0 / self.resolutions[self.newest(u) - 1]

    def curvature(self, u: float) -> float:
        """The curvature's weight over its largest: grows until the second level comes, then falls
        like the step."""
        warm = min(u / self.share, 1.0)
        return warm * self.step(u) / self.step(0.0)
