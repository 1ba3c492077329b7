# SPDX-License-Identifier: GPL-3.0-or-later
"""Perp-Neg: away from the wrong sides, but never away from the prompt (arXiv:2304.04968).

Notation: e_p = e_c - e_u is the prompt's direction, e_k = e(wrong side k) - e_u a wrong one.

    along = e_p - sum_k w_k (e_k - (<e_k, e_p> / <e_p, e_p>) e_p)          (eqs. 10 and 12)

The weights fall exponentially with the part r in which a side is seen (section 4.2):
w(r) = p exp(-r / 2) + q, so that nothing is kept off from where the camera looks at it.
It must not know how a prior tells sides apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from lightkiln.priors.prior import Viewpoints

VANISHING = 1e-12
"""Added to a direction's squared length: where the prompt says nothing, nothing is parallel."""
ABOVE = math.radians(60.0)
"""From so high no side is seen, and none is wrong."""


@runtime_checkable
class TellsSides(Protocol):
    """A prior that tells sides by words, and so can be asked for a wrong one."""

    def sides(self, text: Any) -> tuple[Any, Any]:
        """The front and the side of a prompt, from wherever one looks; what `predict` takes."""


def perpendicular(
    wrong: Float[Tensor, "b d i j"], prompt: Float[Tensor, "b d i j"]
) -> Float[Tensor, "b d i j"]:
    """The part of a direction that has nothing of the prompt's."""
    axes = (1, 2, 3)
    shared = (wrong * prompt).sum(axes, keepdim=True)
    return wrong - shared / (prompt.square().sum(axes, keepdim=True) + VANISHING) * prompt


def along(
    prompt: Float[Tensor, "b d i j"],
    wrong: Sequence[tuple[Float[Tensor, "b d i j"], Float[Tensor, " b"]]],
) -> Float[Tensor, "b d i j"]:
    """The prompt's direction, less what is wrong, each with its weight."""
    result = prompt
    for direction, weight in wrong:
        result = result - weight[:, None, None, None] * perpendicular(direction, prompt)
    return result


def weights(viewpoints: Viewpoints) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """Of the front and of the side as wrong sides."""
    turn = torch.atan2(viewpoints.azimuth.sin(), viewpoints.azimuth.cos()).abs()
    share = 1.0 - turn / (0.5 * math.pi)  # 1 at the front, 0 at the side, -1 at the back
    before = share > 0.0
    behind = 1.0 + share
    front = torch.where(before, _decay(share, 4.0, -2.426), _decay(behind, 1.0, 0.967))
    side = torch.where(before, _decay(1.0 - share, 4.0, -2.426), _decay(behind, 1.0, -0.606))
    level = (viewpoints.elevation < ABOVE).float()
    return level * front, level * side


def _decay(r: Tensor, p: float, q: float) -> Tensor:
    return p * torch.exp(-0.5 * r) + q
