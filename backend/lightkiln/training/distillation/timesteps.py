# SPDX-License-Identifier: GPL-3.0-or-later
"""Which noise levels a step looks at: t in (0, 1), u the run's progress in [0, 1].

    uniform       t ~ U(least, most), 0.02 and 0.98        (Poole et al. 2022, arXiv:2209.14988)
    annealed      most(u) = most + (most_at_end - most) min(1, u / 0.8)
                                                           (Shi et al. 2023, arXiv:2308.16512)
    square root   t = most - (most - least) sqrt(u)
                                                           (Zhu et al. 2023, arXiv:2305.18766)

Late in a run high levels only undo detail. It must not know priors.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from .recipe import Recipe, Timing

ANNEALED_BY = 0.8
"""Part of the run after which the range stays."""


def upper_end(recipe: Recipe, u: float) -> float:
    """Of the range of t at u."""
    if recipe.timing is not Timing.ANNEALED:
        return recipe.most
    return recipe.most + (recipe.most_at_end - recipe.most) * min(1.0, u / ANNEALED_BY)


def square_root(recipe: Recipe, u: float) -> float:
    """The one level of u."""
    return recipe.most - (recipe.most - recipe.least) * math.sqrt(u)


def drawn(
    recipe: Recipe, u: float, count: int, together: int, draw: torch.Generator
) -> Float[Tensor, " b"]:
    """`count` levels; those of `together` pictures in a row, denoised as one, are the same."""
    if recipe.timing is Timing.SQUARE_ROOT:
        return torch.full((count,), square_root(recipe, u))
    most = upper_end(recipe, u)
    levels = torch.rand(count // together, generator=draw)
    return (recipe.least + (most - recipe.least) * levels).repeat_interleave(together)
