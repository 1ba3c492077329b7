# SPDX-License-Identifier: GPL-3.0-or-later
"""How bright each photograph is, channel by channel, against what the field shows.

The gain of a view solves least squares over the pixels seen so far, held near 1 by a prior:

    gain = (k + sum p q) / (k + sum p p),    p: rendered, q: photographed

with old sums fading, and the gains of all views scaled to a mean of 1. It must not know the field.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightkiln.ops.kernels.arrays import Outcome, Targets

PRIOR = 200.0
"""k: as much as this many white pixels."""
FADING = 0.95
"""What a step leaves of the sums."""
OPAQUE = 0.02
"""Transmittance below which a pixel shows the object alone."""


class Exposure:
    """The gains and what they are reckoned from."""

    def __init__(self, num_views: int, gains: NDArray[Any] | None = None) -> None:
        start = np.ones((num_views, 3), dtype=np.float32)
        self.gains = start if gains is None else gains
        """(views, 3) float32."""
        self._cross = np.zeros((num_views, 3))
        self._square = np.zeros((num_views, 3))

    def observe(self, views: NDArray[Any], out: Outcome, targets: Targets) -> None:
        """Take the pixels of one step into account."""
        opaque = out.transmittance < OPAQUE
        seen, real, view = out.color[opaque], targets.color[opaque], views[opaque]
        for channel in range(3):
            p, q = seen[:, channel], real[:, channel]
            for sums, values in ((self._cross, p * q), (self._square, p * p)):
                fresh = np.bincount(view, weights=values, minlength=len(self.gains))
                sums[:, channel] = FADING * sums[:, channel] + fresh
        gains = (PRIOR + self._cross) / (PRIOR + self._square)
        self.gains = (gains / gains.mean(axis=0)).astype(np.float32)
