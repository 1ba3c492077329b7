# SPDX-License-Identifier: GPL-3.0-or-later
"""A prior whose score is known: every pixel is drawn from one normal distribution.

x ~ N(mu, sigma²)  =>  z_t ~ N(a mu, a² sigma² + s²),  e(z_t) = s (z_t - a mu) / (a² sigma² + s²)
"""

from __future__ import annotations

import dataclasses

import torch
from jaxtyping import Float
from lightkiln.priors.prior import Manifest, Predicts, Style, Viewpoints, Words
from lightkiln.priors.schedule import clean_said, cosine, velocity
from torch import Tensor


@dataclasses.dataclass(frozen=True, eq=False)
class Normal:
    """What a prompt means to it; `mean` is for each picture of a batch, or for all."""

    mean: Tensor
    deviation: float


@dataclasses.dataclass(frozen=True, eq=False)
class GaussianPrior:
    """Pictures (b, 3, size, size), with no encoding."""

    prompt: Normal
    nothing: Normal
    predicts: Predicts = Predicts.NOISE
    guidance: float = 1.0
    views: int = 1

    @property
    def manifest(self) -> Manifest:
        return Manifest(
            name="gaussian",
            title="Gaussian",
            licence="GPL-3.0-or-later",
            predicts=self.predicts,
            size=self.prompt.mean.shape[-1],
            channels=3,
            guidance=self.guidance,
            styles=tuple(Style),
            views=self.views,
        )

    def words(self, prompt: str, negative: str) -> Words:
        return Words(prompt=self.prompt, nothing=self.nothing, understood=prompt)

    def abar(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        return cosine(t)

    def encode(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return pictures

    def decode(self, latents: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return latents

    def predict(
        self, noisy: Tensor, t: Tensor, text: Normal, viewpoints: Viewpoints, style: Style
    ) -> Tensor:
        power = self.abar(t)[:, None, None, None]
        spread = power * text.deviation**2 + 1.0 - power
        e = (1.0 - power).sqrt() * (noisy - power.sqrt() * text.mean) / spread
        if self.predicts is Predicts.NOISE:
            return e
        return velocity(clean_said(Predicts.NOISE, e, noisy, self.abar(t)), e, self.abar(t))


def around(count: int, elevation: float = 0.3) -> Viewpoints:
    """Viewpoints evenly around."""
    return Viewpoints(
        azimuth=torch.arange(count) * (2.0 * torch.pi / count),
        elevation=torch.full((count,), elevation),
        distance=torch.full((count,), 2.7),
        fov=torch.full((count,), 0.8),
    )
