# SPDX-License-Identifier: GPL-3.0-or-later
"""Score distillation (Poole et al. 2022, arXiv:2209.14988, eq. 3).

    g = w(t) (e(z_t; prompt, t) - noise),   z_t = a x + s noise

Its mean over the noise is w(t) times the difference of the prior's score and the noise's, smoothed.
It must not know fields.
"""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor

from lightkiln.priors.prior import Predicts
from lightkiln.priors.schedule import clean_said, noisy

from .pull import Draw, Pull
from .question import Question
from .recipe import Weighting
from .weighting import weight


def pull(question: Question, x: Float[Tensor, "b d i j"], draw: Draw, weighting: Weighting) -> Pull:
    """Of clean pictures, or latents, x."""
    abar = question.prior.abar(draw.t)
    z = noisy(x, draw.noise, abar)
    e = question.answer(z, draw.t).noise
    return Pull(
        gradient=weight(weighting, abar) * (e - draw.noise),
        clean=clean_said(Predicts.NOISE, e, z, abar),
    )
