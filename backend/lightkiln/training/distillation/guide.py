# SPDX-License-Identifier: GPL-3.0-or-later
"""The door: a prior, a prompt and a recipe in; for each rendering, where it should go, out.

It must not know fields, cameras beyond viewpoints, or jobs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from lightkiln.ops.chance import generator_of
from lightkiln.priors.prior import Prior, Style, Viewpoints, Words

from . import timesteps
from .estimators import Estimator, estimator_of
from .pull import Draw, surrogate
from .question import Question
from .recipe import Recipe


@dataclass(frozen=True, kw_only=True, eq=False)
class Guidance:
    """What a step is told."""

    loss: Float[Tensor, ""]
    """Its gradient is all that it means."""
    figures: Mapping[str, float]
    """`t`, the mean noise level; `pull`, the root mean square of the gradient on a picture."""
    prior: Prior
    latents: Float[Tensor, "b d i j"]

    @cached_property
    def clean(self) -> Float[Tensor, "b c h w"]:
        """The clean pictures that the prior sees in one step, sRGB values; decoded when asked."""
        with torch.no_grad():
            return self.prior.decode(self.latents).clamp(0.0, 1.0)


class Guide:
    """Says where renderings should go; `step` counts, and with the seed decides all chance."""

    def __init__(
        self, prior: Prior, words: Words, recipe: Recipe, seed: int, estimator: Estimator
    ) -> None:
        self._prior, self._words, self._recipe = prior, words, recipe
        self._seed, self._estimator = seed, estimator
        self.step = 0

    def __call__(
        self,
        pictures: Float[Tensor, "b c h w"],
        viewpoints: Viewpoints,
        style: Style,
        u: float,
    ) -> Guidance:
        """`pictures` are sRGB values in [0, 1] of any size, with gradients; u the progress.

        Of pictures that are no numbers the loss is none either: whoever moves them looks.
        A prior of several views wants its groups in a row, a quarter turn apart.
        """
        x = self._prior.encode(_of_size(pictures, self._prior.manifest.size))
        draw = self._draw(x, u)
        question = Question(
            prior=self._prior,
            words=self._words,
            viewpoints=viewpoints,
            style=style,
            strength=self._recipe.strength(self._prior.manifest.guidance),
            rescale=self._recipe.rescale,
            perp_neg=self._recipe.perp_neg,
        )
        pull = self._estimator.pull(question, x.detach(), draw)
        strength = float(pull.gradient.square().mean().sqrt())
        self.step += 1
        figures = {"t": float(draw.t.mean()), "pull": strength, **pull.figures}
        return Guidance(
            loss=surrogate(x, pull.gradient),
            figures=figures,
            prior=self._prior,
            latents=pull.clean,
        )

    def state(self) -> dict[str, NDArray[Any]]:
        """What to save, to go on later as if nothing had been."""
        return {"step": np.array(self.step), **self._estimator.state()}

    def load(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from there."""
        self.step = int(state["step"])
        self._estimator.load(state)

    def _draw(self, x: Tensor, u: float) -> Draw:
        draw = generator_of(self._seed, self.step)
        together = self._prior.manifest.views
        t = timesteps.drawn(self._recipe, u, len(x), together, draw)
        noise = torch.randn(x.shape, generator=draw)
        return Draw(t=t.to(x), noise=noise.to(x))


def guide_of(prior: Prior, words: Words, recipe: Recipe, seed: int, device: torch.device) -> Guide:
    """The guide of a run."""
    return Guide(prior, words, recipe, seed, estimator_of(recipe, seed, device))


def _of_size(pictures: Tensor, size: int) -> Tensor:
    if pictures.shape[-2:] == (size, size):
        return pictures
    return F.interpolate(pictures, size=(size, size), mode="bilinear", antialias=True)
