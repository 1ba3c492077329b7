# SPDX-License-Identifier: GPL-3.0-or-later
"""Towards the clean picture that the prior sees (Shi et al. 2023, arXiv:2308.16512, eq. 3).

    g = x - x0(z_t; prompt, t),   x0 = (z_t - s e) / a

It is score distillation with w(t) = s / a; said of pictures, their contrast can be kept.
It must not know fields.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lightkiln.priors.prior import Predicts
from lightkiln.priors.schedule import clean_said, noisy

from .pull import Draw, Pull
from .question import Question


def pull(question: Question, x: Float[Tensor, "b d i j"], draw: Draw) -> Pull:
    """Of clean pictures, or latents, x."""
    abar = question.prior.abar(draw.t)
    z = noisy(x, draw.noise, abar)
    clean = clean_said(Predicts.NOISE, question.answer(z, draw.t).noise, z, abar)
    return Pull(gradient=x - clean, clean=clean)
