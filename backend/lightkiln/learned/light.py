# SPDX-License-Identifier: GPL-3.0-or-later
"""Weights in fewer bits: bfloat16, or whole numbers of 8 bits.

A matrix or kernel W becomes round(W / s) with one scale for each of its rows, s = max|W_row| / 127
(symmetric, per channel: Jacob et al. 2018, arXiv:1712.05877, section 2.1, without a zero point).
What is small (biases, norms) keeps its bits: it is a hundredth of a file. Networks reckon with what
is read back, so only files become smaller. It must not know networks or files.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import torch
from jaxtyping import Float, Int8
from torch import Tensor

LEVELS = 127
SCALE = ".scale"
"""What a scale's name ends with, beside its matrix'."""
LEAST = 1024
"""Numbers from which a matrix is worth a scale for each row."""


class Bits(StrEnum):
    """How a number is kept."""

    FLOAT16 = "float16"
    """As weights are shipped."""
    BFLOAT16 = "bfloat16"
    """The same room, the range of 32 bits: what some processors reckon with."""
    INT8 = "int8"


def lightened(state: Mapping[str, Tensor], bits: Bits) -> dict[str, Tensor]:
    """A network's state as it is kept; whole numbers stay as they are."""
    kept: dict[str, Tensor] = {}
    for name, value in state.items():
        if not value.is_floating_point():
            kept[name] = value
        elif bits is Bits.INT8 and value.ndim > 1 and value.numel() >= LEAST:
            kept[name], kept[name + SCALE] = quantised(value.float())
        else:
            kept[name] = value.to(torch.bfloat16 if bits is Bits.BFLOAT16 else torch.float16)
    return kept


def restored(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """A state as a network takes it, in 32 bits."""
    state: dict[str, Tensor] = {}
    for name, value in kept.items():
        if name.endswith(SCALE) and name.removesuffix(SCALE) in kept:
            continue
        if name + SCALE in kept:
            state[name] = given_back(value, kept[name + SCALE])
        else:
            state[name] = value.float() if value.is_floating_point() else value
    return state


def quantised(
    w: Float[Tensor, "rows ..."],
) -> tuple[Int8[Tensor, "rows ..."], Float[Tensor, " rows"]]:
    """Whole numbers from -127 to 127, and each row's scale."""
    scale = w.flatten(1).abs().amax(dim=1) / LEVELS
    scale = torch.where(scale > 0.0, scale, 1.0)  # a row of zeros needs none
    whole = torch.round(w / scale.view(-1, *[1] * (w.ndim - 1)))
    return whole.to(torch.int8), scale


def given_back(
    whole: Int8[Tensor, "rows ..."], scale: Float[Tensor, " rows"]
) -> Float[Tensor, "rows ..."]:
    """What the whole numbers stand for."""
    return whole.float() * scale.float().view(-1, *[1] * (whole.ndim - 1))
