# SPDX-License-Identifier: GPL-3.0-or-later
"""NeuS' volume rendering of a signed distance, in torch: readable, differentiable, on any device.

Notation (arXiv:2106.10689, eqs. 10-13): along a ray, samples 0 ... n carry signed distances f_i,
section i lies between samples i and i + 1, Phi(f) = 1 / (1 + exp(-s f)) with sharpness s.

    alpha_i = max(0, 1 - Phi(f_{i+1}) / Phi(f_i))         opacity of a section
    T_i     = prod_{j<i} (1 - alpha_j)                    light left before it
    w_i     = T_i alpha_i                                 its share in the colour

It must not know grids or cameras.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import logsigmoid


def log_passed(
    distances: Float[Tensor, "*rays samples"], sharpness: float
) -> Float[Tensor, "*rays samples-1"]:
    """log(1 - alpha_i): never above 0, finite where Phi itself would vanish."""
    return log_passed_between(distances[..., :-1], distances[..., 1:], sharpness)


def log_passed_between(
    entering: Float[Tensor, "*n"], leaving: Float[Tensor, "*n"], sharpness: float | Tensor
) -> Float[Tensor, "*n"]:
    """The same of sections whose ends have distances of their own."""
    return (logsigmoid(sharpness * leaving) - logsigmoid(sharpness * entering)).clamp(max=0.0)


def render_weights(
    distances: Float[Tensor, "*rays samples"], sharpness: float
) -> tuple[Float[Tensor, "*rays samples-1"], Float[Tensor, "*rays"]]:
    """Return w_i and the light that is left behind the last section; together they sum to 1."""
    return weights_of(log_passed(distances, sharpness))


def weights_of(
    passed: Float[Tensor, "*rays sections"],
) -> tuple[Float[Tensor, "*rays sections"], Float[Tensor, "*rays"]]:
    """The same from log(1 - alpha_i), wherever the opacities come from."""
    behind = passed.cumsum(dim=-1)
    before = behind - passed
    return torch.exp(before) * -torch.expm1(passed), torch.exp(behind[..., -1])


def composite(
    weights: Float[Tensor, "*rays sections"], values: Float[Tensor, "*rays sections channels"]
) -> Float[Tensor, "*rays channels"]:
    """Sum of w_i c_i."""
    return (weights[..., None] * values).sum(dim=-2)
