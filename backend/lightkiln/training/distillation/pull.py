# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an estimator wants pictures to go, and the loss whose gradient says so.

    L = |x - stop(x - g)|² / 2 / b,   dL/dx = g / b

The network is never differentiated: g is a constant (Poole et al. 2022, section 3.1). The sum is
over pixels, the mean over pictures. It must not know estimators.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Draw:
    """What chance decides in a step."""

    t: Float[Tensor, " b"]
    noise: Float[Tensor, "b d i j"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pull:
    """Of an estimator, on what the prior adds noise to."""

    gradient: Float[Tensor, "b d i j"]
    """g: where not to go."""
    clean: Float[Tensor, "b d i j"]
    """The clean pictures that the prior sees, in one step."""
    figures: Mapping[str, float] = field(default_factory=dict)


def surrogate(
    pictures: Float[Tensor, "b d i j"], gradient: Float[Tensor, "b d i j"]
) -> Float[Tensor, ""]:
    """A loss of that gradient."""
    target = (pictures - gradient).detach()
    return 0.5 * (pictures - target).square().sum() / len(pictures)
