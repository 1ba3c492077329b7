# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures drawn from a prior: DDIM without chance (Song et al. 2021, arXiv:2010.02502, eq. 12).

    x = clean_said(z_t),  e = noise_left(z_t, x)      with guidance: e_u + g (e_c - e_u)
    z_u = a_u x + s_u e,  u < t                       from noise at t = 1 down to 0

It must not know fields or losses.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from .manifest import Predicts, Style
from .prior import Prior, Viewpoints, Words
from .schedule import clean_said, noise_left, noise_said, noisy

FIRST = 0.995
"""Of t: where a picture begins, pure noise for all one can see."""


def steps_of(count: int) -> Iterator[tuple[float, float]]:
    """Of so many steps: t and u, evenly from noise to none."""
    return itertools.pairwise(torch.linspace(FIRST, 0.0, count + 1).tolist())


@torch.no_grad()
def sample(
    prior: Prior,
    words: Words,
    viewpoints: Viewpoints,
    style: Style,
    *,
    spans: Iterable[tuple[float, float]],
    guidance: float,
    seed: int,
) -> Float[Tensor, "b c h w"]:
    """What the prior thinks that the prompt looks like, in sRGB values; 4 channels: premultiplied.

    All pictures begin from one and the same noise, so that they are of one thing where they can be.
    Where `spans` end early the pictures are what the last step saw.
    """
    x = z = _noise(prior, len(viewpoints.azimuth), seed, viewpoints.azimuth.device)
    for now, then in spans:
        t = torch.full_like(viewpoints.azimuth, now)
        e, x = _answered(prior, words, viewpoints, style, guidance, z, t)
        z = noisy(x, e, prior.abar(torch.full_like(t, then)))
    return prior.decode(x).clamp(0.0, 1.0)


def _noise(prior: Prior, count: int, seed: int, device: torch.device) -> Tensor:
    side = prior.manifest.size
    blank = prior.encode(torch.zeros((1, prior.manifest.channels, side, side), device=device))
    draw = torch.Generator().manual_seed(seed)  # on the processor: alike everywhere
    return torch.randn(blank.shape, generator=draw).to(blank).expand(count, -1, -1, -1)


def _answered(
    prior: Prior,
    words: Words,
    viewpoints: Viewpoints,
    style: Style,
    guidance: float,
    z: Tensor,
    t: Tensor,
) -> tuple[Tensor, Tensor]:
    """e, and the clean picture that it means, held to what a picture can be."""
    predicts, abar = prior.manifest.predicts, prior.abar(t)
    told = [words.prompt] if guidance == 1.0 else [words.nothing, words.prompt]
    said = [
        noise_said(predicts, prior.predict(z, t, text, viewpoints, style), z, abar) for text in told
    ]
    e = said[0] + guidance * (said[-1] - said[0]) if len(said) == 2 else said[0]
    x = clean_said(Predicts.NOISE, e, z, abar)
    if z.shape[-1] != prior.manifest.size:  # latents have no bounds that one could know
        return e, x
    x = prior.encode(prior.decode(x).clamp(0.0, 1.0))
    return noise_left(z, x, abar), x
