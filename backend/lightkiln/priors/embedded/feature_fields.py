# SPDX-License-Identifier: GPL-3.0-or-later
"""Things as feature fields in space, seen by a camera: what the built-in prior's words look like.

After GIRAFFE (Niemeyer and Geiger 2021, arXiv:2011.12100, section 3): thing i has a place p_i and
a size s_i, and a field that tells density and features in its own frame,

    x_i = (x - p_i) / s_i,    h_i = h(x_i, thing i)
    sigma_i = softplus(v_i . h_i),    f_i = W_i h_i
    sigma = sum_i sigma_i,    f = sum_i sigma_i f_i / sigma                            eq. 8
    alpha_k = 1 - exp(-sigma_k d),    T_k = prod_{j<k} (1 - alpha_j)
    seen = sum_k T_k alpha_k f_k                                                       eq. 9

p, s, v, W and h's second layer are told by the thing's token and learned with the rest, from
pictures alone. All views of a sentence look at the same fields: what stands where is learned once,
not once for every side. It must not know words, noise or what is made of the features.
"""

from __future__ import annotations

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import silu, softplus

from .manifest import DISTANCE, FOV, SIZE

PATCH = 4
"""Pixels along a side of what has one ray."""
SIDE = SIZE // PATCH
"""Rays along each side of a picture, and samples along a ray."""
WIDE, FEATURES = 64, 48
OCTAVES = 4
FAINTEST = 1e-4
"""Density below which a place's features are not a mixture of anything."""
SHARPNESS, THIN = 4.0, -1.0
"""Density of one number of the network's, and at the start: a mist, for what is behind something
dense is not seen, and not learned of."""
FARTHEST, LARGEST = 1.0, 1.2
"""Bounds of a thing's place and of its size's logarithm, along each axis."""


class FeatureFields(nn.Module):
    """Tokens of things to the features that a camera sees."""

    points: Tensor
    cell: Tensor

    def __init__(self, told: int) -> None:
        """`told`: numbers of a token."""
        super().__init__()
        self.normed = nn.LayerNorm(told)
        self.frame = nn.Linear(told, 6)
        self.first = nn.Linear(3 * (1 + 2 * OCTAVES), WIDE)
        self.second = nn.Linear(WIDE, WIDE)
        self.shaped = nn.Linear(told, 2 * WIDE)
        self.last = nn.Linear(told, (1 + FEATURES) * (WIDE + 1))
        nn.init.normal_(self.frame.weight, std=0.02 / math.sqrt(told))
        nn.init.zeros_(self.frame.bias)
        nn.init.normal_(self.last.weight, std=0.2 / math.sqrt(told * WIDE))
        nn.init.zeros_(self.last.bias)
        points, cell = samples()
        self.register_buffer("points", points, persistent=False)
        self.register_buffer("cell", cell, persistent=False)

    def forward(
        self, things: Float[Tensor, "b things told"], camera: Float[Tensor, "b 3"]
    ) -> Float[Tensor, "b seen side side"]:
        """The features along each ray, and, as the last of them, how much of it is filled."""
        things = self.normed(things)
        h = self.basis(torch.einsum("nc,bcd->bnd", self.points, axes(camera)), things)
        last = self.last(things).reshape(*things.shape[:2], 1 + FEATURES, WIDE + 1)
        sigma = softplus(SHARPNESS * _affine(h, last[:, :, :1])[..., 0].float() + THIN)
        share = self.shares(sigma)
        # W is linear: what a ray meets is summed up before W is applied, not after.
        met = self._along(share[..., None].to(h.dtype) * h)
        filled = self._along(share[..., None])
        seen = met @ last[:, :, 1:, :-1].mT + filled * last[:, :, None, 1:, -1]
        shown = torch.cat([seen, filled], dim=-1).sum(dim=1)
        return shown.mT.reshape(len(things), FEATURES + 1, SIDE, SIDE)

    def basis(
        self, x: Float[Tensor, "b n 3"], things: Float[Tensor, "b things told"]
    ) -> Float[Tensor, "b things n wide"]:
        """h_i at points of the world."""
        place, size = self.frame(things).float().tanh()[:, :, None].chunk(2, dim=-1)
        own = (x[:, None] - FARTHEST * place) * (-LARGEST * size).exp()
        scale, shift = self.shaped(things)[:, :, None].chunk(2, dim=-1)
        h = silu(self.first(waves(own)))
        basis: Tensor = silu(self.second(h) * (1.0 + scale) + shift)
        return basis

    def shares(self, sigma: Float[Tensor, "b things n"]) -> Float[Tensor, "b things n"]:
        """T alpha sigma_i / sigma: what each thing at each sample adds to its ray."""
        total = sigma.sum(dim=1)
        rays = total.new_zeros(len(total), SIDE**3)
        passing = rays.index_copy(1, self.cell, total * (2.0 / SIDE)).reshape(-1, SIDE, SIDE**2)
        before = passing.cumsum(dim=1) - passing
        weight = ((-before).exp() * (1.0 - (-passing).exp())).flatten(1)[:, self.cell]
        return (weight / (total + FAINTEST))[:, None] * sigma

    def _along(self, x: Float[Tensor, "b things n d"]) -> Float[Tensor, "b things rays d"]:
        """Sums over the samples of each ray."""
        sums = x.new_zeros(*x.shape[:2], SIDE**2, x.shape[-1])
        return sums.index_add(2, self.cell % SIDE**2, x)


def samples() -> tuple[Float[Tensor, "n 3"], Int[Tensor, " n"]]:
    """Places in camera axes at which rays are looked at, and each one's (depth, row, column).

    Rays go through the middles of the patches; what lies outside the unit ball is left out.
    """
    middles = (torch.arange(SIDE) + 0.5) * (2.0 / SIDE) - 1.0
    back, up, right = torch.meshgrid(-middles, -middles, middles, indexing="ij")
    spread = math.tan(0.5 * FOV) * (DISTANCE - back)
    points = torch.stack([right * spread, up * spread, back], dim=-1).reshape(-1, 3)
    cell = torch.nonzero(points.norm(dim=-1) < 1.0)[:, 0]
    return points[cell], cell


def axes(camera: Float[Tensor, "b 3"]) -> Float[Tensor, "b 3 3"]:
    """Rows: right, up and backwards of cameras that look at the origin, Z up."""
    x, y, _ = camera.unbind(dim=-1)
    right = torch.stack([-y, x, torch.zeros_like(x)], dim=-1)
    right = right / right.norm(dim=-1, keepdim=True)
    return torch.stack([right, torch.linalg.cross(camera, right), camera], dim=1)


def waves(x: Float[Tensor, "*b d"]) -> Float[Tensor, "*b n"]:
    """Numbers, and sines and cosines of them in octaves from pi / 2 on."""
    octaves = 0.5 * math.pi * 2.0 ** torch.arange(OCTAVES, device=x.device)
    angles = (x[..., None] * octaves).flatten(-2)
    return torch.cat([x, angles.sin(), angles.cos()], dim=-1)


def _affine(
    h: Float[Tensor, "b things n wide"], weight: Float[Tensor, "b things outs wide_and_1"]
) -> Float[Tensor, "b things n outs"]:
    """W h, with a one below h."""
    return h @ weight[..., :-1].to(h.dtype).mT + weight[..., None, :, -1]
