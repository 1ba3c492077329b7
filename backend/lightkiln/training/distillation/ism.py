# SPDX-License-Identifier: GPL-3.0-or-later
"""Interval score matching (Liang et al. 2023, arXiv:2311.11284, eqs. 14-17).

Most of the noise is not drawn: it is what the prior itself, without a prompt, would have denoised
into x. From a little noise, for a network knows nothing of pictures without any, DDIM run backwards
(Song et al. 2021, arXiv:2010.02502, eq. 13) leads to s = t - step, and one step more to t:

    z_{k+1} = a_{k+1} (z_k - s_k e_k) / a_k + s_{k+1} e_k,   e_k = e(z_k; nothing, k)
    g       = w(t) (e(z_t; prompt, t) - e(z_s; nothing, s))

So pictures are not averaged over the noise, which blurs them. It must not know fields.
"""

from __future__ import annotations

from itertools import pairwise

from jaxtyping import Float
from torch import Tensor

from lightkiln.priors.prior import Predicts
from lightkiln.priors.schedule import clean_said, noisy

from .pull import Draw, Pull
from .question import Question
from .recipe import Weighting
from .weighting import weight

START = 0.02
"""Where the way back begins."""
STEP = 0.05
"""From s to t (delta_T)."""
STRIDES = 4
"""From `START` to s: delta_S grows with t."""


def inverted(
    question: Question, x: Float[Tensor, "b d i j"], draw: Draw
) -> tuple[Float[Tensor, "b d i j"], Float[Tensor, "b d i j"]]:
    """z_t of x, and e(z_s; nothing, s)."""
    s = (draw.t - STEP).clamp(min=START)
    levels = [START + (s - START) * k / STRIDES for k in range(STRIDES + 1)] + [draw.t]
    abars = [question.prior.abar(level) for level in levels]
    z = noisy(x, draw.noise, abars[0])
    for (level, abar), (_, following) in pairwise(zip(levels, abars, strict=True)):
        e = question.unprompted(z, level)
        z = noisy(clean_said(Predicts.NOISE, e, z, abar), e, following)
    return z, e


def pull(question: Question, x: Float[Tensor, "b d i j"], draw: Draw, weighting: Weighting) -> Pull:
    """Of clean pictures, or latents, x."""
    z, before = inverted(question, x, draw)
    abar = question.prior.abar(draw.t)
    e = question.answer(z, draw.t).noise
    return Pull(
        gradient=weight(weighting, abar) * (e - before),
        clean=clean_said(Predicts.NOISE, e, z, abar),
    )
