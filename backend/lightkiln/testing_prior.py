# SPDX-License-Identifier: GPL-3.0-or-later
"""A prior that knows one thing in closed form: a red ball, however it is asked for.

Its pictures from a viewpoint are normally distributed about the true one m, with deviation D in the
values of `encode`, so what it says of a noisy picture z = a x + s e is exact:

    x = m + (a D² / (a² D² + s²)) (z - a m)

No weights, no download: what methods that need `text` are tested with, in `lightkiln.testing`.
It must not know fields or losses, nor how a solid is rendered: the ball is met by its formula.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lightkiln.priors.manifest import Light, Manifest, Predicts, Style
from lightkiln.priors.prior import Viewpoints, Words
from lightkiln.priors.schedule import cosine, noise_left

RADIUS = 0.6
"""Of the ball, in radii of the unit ball."""
COLOR = (0.8, 0.3, 0.2)
"""sRGB values."""
DEVIATION = 0.05
FINER = 4
"""Samples along a pixel's side."""
LIGHT = Light(ambient=0.35, diffuse=0.65, towards=(0.2592, 0.4320, 0.8639))
KNOWN = ("a", "red", "ball")
MANIFEST = Manifest(
    name="ball",
    title="A ball, for tests",
    licence="GPL-3.0-or-later",
    predicts=Predicts.NOISE,
    size=24,
    channels=4,
    guidance=1.0,
    styles=(Style.ALBEDO, Style.SHADED, Style.TEXTURELESS),
    coloured_lights=True,
    light=LIGHT,
    distance=(2.7, 2.7),
    fov=(0.76, 0.76),
)


class BallPrior:
    """Satisfies `Prior`."""

    @property
    def manifest(self) -> Manifest:
        return MANIFEST

    def words(self, prompt: str, negative: str) -> Words:
        """Understands all of it as a red ball."""
        unknown = tuple(word for word in prompt.lower().split() if word not in KNOWN)
        return Words(prompt=None, nothing=None, understood="a red ball", unknown=unknown)

    def abar(self, t: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        return cosine(t)

    def encode(self, pictures: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return 2.0 * pictures - 1.0

    def decode(self, latents: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return 0.5 * latents + 0.5

    def pictures(self, viewpoints: Viewpoints, style: Style, size: int) -> Float[Tensor, "b c h w"]:
        """The true ones."""
        return ball_pictures(viewpoints, style, size)

    def predict(
        self,
        noisy: Float[Tensor, "b c h w"],
        t: Float[Tensor, " b"],
        text: Any,
        viewpoints: Viewpoints,
        style: Style,
    ) -> Float[Tensor, "b c h w"]:
        mean = self.encode(self.pictures(viewpoints, style, noisy.shape[-1]))
        abar = self.abar(t)
        power, a = abar[:, None, None, None], abar.sqrt()[:, None, None, None]
        trust = a * DEVIATION**2 / (power * DEVIATION**2 + 1.0 - power)
        return noise_left(noisy, mean + trust * (noisy - a * mean), abar)


def ball_pictures(viewpoints: Viewpoints, style: Style, size: int) -> Float[Tensor, "b 4 h w"]:
    """The ball, RGB times alpha and alpha: alike from everywhere, for the lamp goes along."""
    seen = [
        _ball(float(distance), float(fov), style, size)
        for distance, fov in zip(viewpoints.distance, viewpoints.fov, strict=True)
    ]
    return torch.stack(seen).to(viewpoints.distance.device)


def _ball(distance: float, fov: float, style: Style, size: int) -> Float[Tensor, "4 h w"]:
    """In camera axes (right, up, backwards) the camera is at (0, 0, distance)."""
    fine = FINER * size
    place = (2.0 * torch.arange(fine) + 1.0) / fine - 1.0
    up, right = torch.meshgrid(-place, place, indexing="ij")
    half = math.tan(0.5 * fov)
    ray = torch.stack([half * right, half * up, torch.full_like(up, -1.0)], dim=-1)
    ray = ray / ray.norm(dim=-1, keepdim=True)
    along = -distance * ray[..., 2]  # t of the nearest place to the middle
    square = along**2 - distance**2 + RADIUS**2
    t = along - square.clamp(min=0.0).sqrt()
    normal = (t[..., None] * ray + torch.tensor([0.0, 0.0, distance])) / RADIUS
    met = (square > 0.0).float()[..., None]
    whole = torch.cat([_painted(normal, style) * met, met], dim=-1)
    return whole.reshape(size, FINER, size, FINER, 4).mean(dim=(1, 3)).permute(2, 0, 1)


def _painted(normal: Tensor, style: Style) -> Tensor:
    if style is Style.TEXTURELESS:
        return 0.5 + 0.5 * normal
    color = torch.tensor(COLOR).expand_as(normal)
    if style is Style.ALBEDO or LIGHT.towards is None:
        return color
    facing = (normal @ torch.tensor(LIGHT.towards)).clamp(min=0.0)
    return color * (LIGHT.ambient + LIGHT.diffuse * facing)[..., None]
