# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the camera stands, in words (Poole et al. 2022, section 3.2), and between the words.

", front view" at azimuth 0, ", side view" at a quarter turn, ", back view" at a half, mixed in
proportion between; ", overhead view" above 60 degrees. It must not know encoders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lightkiln.priors.prior import Viewpoints

from .texts import Embedding

SIDES = ("front", "side", "back", "overhead")
OVERHEAD = math.radians(60.0)
ENDINGS = tuple(f", {side} view" for side in SIDES)
"""Of a prompt, from every side."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """One prompt from every side, in the order of `SIDES`."""

    embeddings: tuple[Embedding, ...]


def shares(viewpoints: Viewpoints) -> Float[Tensor, "b 4"]:
    """How much of each side is seen; together 1."""
    turn = torch.atan2(viewpoints.azimuth.sin(), viewpoints.azimuth.cos()).abs() / (0.5 * math.pi)
    front, back = (1.0 - turn).clamp(min=0.0), (turn - 1.0).clamp(min=0.0)
    around = torch.stack([front, 1.0 - front - back, back, torch.zeros_like(front)], dim=-1)
    above = viewpoints.elevation[:, None] > OVERHEAD
    return torch.where(above, around.new_tensor([0.0, 0.0, 0.0, 1.0]), around)


def seen_from(text: Sides | Embedding, viewpoints: Viewpoints) -> Embedding:
    """What is told of each picture."""
    if isinstance(text, Embedding):
        count = len(viewpoints.azimuth)
        pooled = None if text.pooled is None else text.pooled.expand(count, -1)
        return Embedding(text.states.expand(count, -1, -1), pooled)
    states = torch.cat([each.states for each in text.embeddings])
    part = shares(viewpoints).to(states)
    pools = [each.pooled for each in text.embeddings if each.pooled is not None]
    return Embedding(
        torch.einsum("bk,ktc->btc", part, states), part @ torch.cat(pools) if pools else None
    )
