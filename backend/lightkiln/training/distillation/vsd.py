# SPDX-License-Identifier: GPL-3.0-or-later
"""Variational score distillation (Wang et al. 2023, ProlificDreamer, arXiv:2305.16213, eq. 9).

    g = w(t) (e_prior(z_t; prompt, t) - e_own(z_t; viewpoint, t)),   z_t = a x + s noise

e_own is the score of the renderings themselves, learned on the way by denoising them (eq. 10).
Were it that of a single picture, (z_t - a x) / s, nothing but score distillation would be left;
a smooth network knows less, so what all noise has in common is taken off. It must not know fields.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from lightkiln.priors.prior import Predicts
from lightkiln.priors.schedule import clean_said, noise_said, noisy, velocity

from .learned_score import LearnedScore
from .pull import Draw, Pull
from .question import Question
from .recipe import Weighting
from .score_network import circumstances
from .weighting import weight

CHANNELS = "channels"


class Variational:
    """The estimator; what it learns begins with the first pictures."""

    def __init__(self, weighting: Weighting, seed: int, device: torch.device) -> None:
        self._weighting, self._seed, self._device = weighting, seed, device
        self._score: LearnedScore | None = None
        self._channels = 0

    def pull(self, question: Question, x: Float[Tensor, "b d i j"], draw: Draw) -> Pull:
        """Of clean pictures, or latents, x; and learn from them."""
        score = self._score or self._begun(x.shape[1])
        abar = question.prior.abar(draw.t)
        z = noisy(x, draw.noise, abar)
        answer = question.answer(z, draw.t)
        seen = velocity(clean_said(Predicts.NOISE, answer.plain, z, abar), answer.plain, abar)
        told = circumstances(draw.t, question.viewpoints)
        own, error = score.learned(z, told, seen, velocity(x, draw.noise, abar))
        e_own = noise_said(Predicts.VELOCITY, own, z, abar)
        return Pull(
            gradient=weight(self._weighting, abar) * (answer.noise - e_own),
            clean=clean_said(Predicts.NOISE, answer.noise, z, abar),
            figures={"own_score": error},
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """What it has learned, if anything yet."""
        if self._score is None:
            return {}
        return {CHANNELS: np.array(self._channels), **self._score.state()}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on with it, or begin anew where nothing was learned yet."""
        self._score = None
        if CHANNELS in state:
            self._begun(int(state[CHANNELS])).load(state)

    def _begun(self, channels: int) -> LearnedScore:
        self._channels, self._score = channels, LearnedScore(channels, self._seed, self._device)
        return self._score
