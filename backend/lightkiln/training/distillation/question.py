# SPDX-License-Identifier: GPL-3.0-or-later
"""A prior, its words and where one looks from: what is asked of any noisy picture.

It must not know what the answer is used for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lightkiln.priors.prior import Predicts, Prior, Style, Viewpoints, Words
from lightkiln.priors.schedule import clean_said, noise_left, noise_said

from . import perp_neg
from .guidance import guided, rescaled


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What the prior says of a noisy picture."""

    noise: Float[Tensor, "b d i j"]
    """With guidance."""
    plain: Float[Tensor, "b d i j"]
    """Of the prompt alone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """Asked of pictures from `viewpoints`, rendered in `style`."""

    prior: Prior
    words: Words
    viewpoints: Viewpoints
    style: Style
    strength: float
    rescale: float
    perp_neg: bool

    def noise(
        self, text: Any, z: Float[Tensor, "b d i j"], t: Float[Tensor, " b"]
    ) -> Float[Tensor, "b d i j"]:
        """e, if `text` were all that is known."""
        with torch.no_grad():
            output = self.prior.predict(z, t, text, self.viewpoints, self.style).to(z.dtype)
            return noise_said(self.prior.manifest.predicts, output, z, self.prior.abar(t))

    def unprompted(
        self, z: Float[Tensor, "b d i j"], t: Float[Tensor, " b"]
    ) -> Float[Tensor, "b d i j"]:
        """e without the prompt."""
        return self.noise(self.words.nothing, z, t)

    def answer(self, z: Float[Tensor, "b d i j"], t: Float[Tensor, " b"]) -> Answer:
        """e with the prompt."""
        plain = self.noise(self.words.prompt, z, t)
        if self.strength == 1.0 and not self.perp_neg:
            return Answer(plain, plain)
        without = self.unprompted(z, t)
        noise = guided(without, self._along(plain, without, z, t), self.strength)
        return Answer(self._contrast(plain, noise, z, t), plain)

    def _along(self, plain: Tensor, without: Tensor, z: Tensor, t: Tensor) -> Tensor:
        if not (self.perp_neg and isinstance(self.prior, perp_neg.TellsSides)):
            return plain - without
        sides = self.prior.sides(self.words.prompt)
        wrong = [self.noise(side, z, t) - without for side in sides]
        shares = perp_neg.weights(self.viewpoints)
        return perp_neg.along(plain - without, list(zip(wrong, shares, strict=True)))

    def _contrast(self, plain: Tensor, strong: Tensor, z: Tensor, t: Tensor) -> Tensor:
        if self.rescale == 0.0:
            return strong
        abar = self.prior.abar(t)
        clean, unguided = (clean_said(Predicts.NOISE, e, z, abar) for e in (strong, plain))
        return noise_left(z, rescaled(unguided, clean, self.rescale), abar)
