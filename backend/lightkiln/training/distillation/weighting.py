# SPDX-License-Identifier: GPL-3.0-or-later
"""w(t): how much a difference of scores counts at a noise level.

It must not know where the difference comes from.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from .recipe import Weighting


def weight(weighting: Weighting, abar: Float[Tensor, " b"]) -> Float[Tensor, "b 1 1 1"]:
    """As `Weighting` says of each, with a² = abar and s² = 1 - abar."""
    power = abar[:, None, None, None]
    if weighting is Weighting.UNIFORM:
        return power.new_ones(power.shape)
    variance = 1.0 - power
    return variance if weighting is Weighting.VARIANCE else power.sqrt() * variance
