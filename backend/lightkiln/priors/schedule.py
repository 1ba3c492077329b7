# SPDX-License-Identifier: GPL-3.0-or-later
"""Noise and how to count it: schedules, and what a prediction says of the clean picture.

    z = a x + s e,   v = a e - s x,   a² = abar,  s² = 1 - abar
    =>  x = a z - s v,   e = s z + a v;   x = (z - s e) / a      (Salimans and Ho 2022, app. D)

It must not know networks.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from .prior import Predicts

LEAST = 1e-4
"""Of abar: at t = 1 nothing of the picture would be left, and e would say nothing of x."""


def cosine(t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
    """abar(t) = cos²(pi t / 2) (Nichol and Dhariwal 2021, arXiv:2102.09672, eq. 17, no offset)."""
    return torch.cos(0.5 * math.pi * t).square().clamp(min=LEAST, max=1.0 - LEAST)


def noisy(
    clean: Float[Tensor, "b d i j"], noise: Float[Tensor, "b d i j"], abar: Float[Tensor, " b"]
) -> Float[Tensor, "b d i j"]:
    """z_t of a clean picture."""
    a, s = _shares(abar)
    return a * clean + s * noise


def velocity(
    clean: Float[Tensor, "b d i j"], noise: Float[Tensor, "b d i j"], abar: Float[Tensor, " b"]
) -> Float[Tensor, "b d i j"]:
    """v_t."""
    a, s = _shares(abar)
    return a * noise - s * clean


def velocity_to(
    clean: Float[Tensor, "b d i j"], z: Float[Tensor, "b d i j"], abar: Float[Tensor, " b"]
) -> Float[Tensor, "b d i j"]:
    """v of a network that answers with the clean picture: (a z - x) / s."""
    a, s = _shares(abar)
    return (a * z - clean) / s


def noise_said(
    predicts: Predicts,
    output: Float[Tensor, "b d i j"],
    z: Float[Tensor, "b d i j"],
    abar: Float[Tensor, " b"],
) -> Float[Tensor, "b d i j"]:
    """e, from what a network answered."""
    if predicts is Predicts.NOISE:
        return output
    a, s = _shares(abar)
    return s * z + a * output


def clean_said(
    predicts: Predicts,
    output: Float[Tensor, "b d i j"],
    z: Float[Tensor, "b d i j"],
    abar: Float[Tensor, " b"],
) -> Float[Tensor, "b d i j"]:
    """x, from what a network answered."""
    a, s = _shares(abar)
    if predicts is Predicts.NOISE:
        return (z - s * output) / a
    return a * z - s * output


def noise_left(
    z: Float[Tensor, "b d i j"], clean: Float[Tensor, "b d i j"], abar: Float[Tensor, " b"]
) -> Float[Tensor, "b d i j"]:
    """e, if x is known."""
    a, s = _shares(abar)
    return (z - a * clean) / s


def _shares(abar: Tensor) -> tuple[Tensor, Tensor]:
    shown = abar[:, None, None, None]
    return shown.sqrt(), (1.0 - shown).sqrt()
