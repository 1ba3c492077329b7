# SPDX-License-Identifier: GPL-3.0-or-later
"""From voxels to a code of a few numbers and back: one network for autoencoder and VAE.

An encoder q(z | x) = N(mu, diag(sigma²)) and a decoder p(x | z), one Bernoulli a voxel (Kingma and
Welling 2014, arXiv:1312.6114), as strided convolutions of 4³ and their mirror. The divergence of
the code from N(0, 1) is their equation 10:

    KL = -1/2 sum (1 + log sigma² - mu² - sigma²)

and empty voxels, of which there are far more, count less (Brock et al. 2016, arXiv:1608.04236).
The network keeps where the codes of each family lie: `code_prior`. It must not know data.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from lightkiln.fields.short_numbers import short_numbers

from .code_prior import CodePrior

SIDE = 32
COARSE = 4
"""Cells along the side of the coarsest lattice."""
OCCUPIED_WEIGHT = 3.0
"""Of an occupied voxel, an empty one having 1: with as much, thin legs are learned in minutes."""
USUALLY_OCCUPIED = 0.08
"""Of the voxels: the logits begin there, or the first hundred steps learn nothing else."""
LOWEST_LOG_VARIANCE, HIGHEST_LOG_VARIANCE = -10.0, 4.0
"""Beyond these the exponential overflows in training's first steps."""


class VoxelAutoencoder(nn.Module):
    """Encoder, decoder, and the place of each family's codes."""

    def __init__(self, latent: int = 32, width: int = 16, families: int = 9) -> None:
        super().__init__()
        self.latent = latent
        channels = (1, width, 2 * width, 4 * width)
        self.narrowing = nn.Sequential(*(_narrower(a, b) for a, b in pairwise(channels)))
        self.to_code = nn.Linear(channels[-1] * COARSE**3, 2 * latent)
        self.from_code = nn.Linear(latent, channels[-1] * COARSE**3)
        self.widening = widening(channels[:0:-1])
        self.prior = CodePrior(families, latent)
        lay_out(self)

    def encode(
        self, voxels: Float[Tensor, "n side side side"]
    ) -> tuple[Float[Tensor, "n latent"], Float[Tensor, "n latent"]]:
        """Mean and logarithm of the variance of each thing's code."""
        x = (2.0 * voxels[:, None] - 1.0).to(memory_format=torch.channels_last_3d)
        with short_numbers(voxels.device):
            mean, log_variance = self.to_code(self.narrowing(x).flatten(1)).float().chunk(2, dim=-1)
        return mean, log_variance.clamp(LOWEST_LOG_VARIANCE, HIGHEST_LOG_VARIANCE)

    def decode(self, codes: Float[Tensor, "n latent"]) -> Float[Tensor, "n side side side"]:
        """Logits of the voxels."""
        with short_numbers(codes.device):
            x = self.from_code(codes).unflatten(1, (-1, COARSE, COARSE, COARSE))
            logits: Tensor = self.widening(x.to(memory_format=torch.channels_last_3d))
        return logits[:, 0].float()


def lay_out(network: nn.Module) -> None:
    """Put channels last in the weights of convolutions: twice as fast on a processor."""
    for part in network.modules():
        if isinstance(part, nn.Conv3d | nn.ConvTranspose3d):
            weight = part.weight.data.to(memory_format=torch.channels_last_3d)
            part.weight = nn.Parameter(weight)


def widening(channels: tuple[int, ...]) -> nn.Sequential:
    """From the coarsest lattice to the logits; the sides double each time."""
    last = nn.ConvTranspose3d(channels[-1], 1, 4, stride=2, padding=1)
    assert last.bias is not None
    nn.init.constant_(last.bias, math.log(USUALLY_OCCUPIED / (1.0 - USUALLY_OCCUPIED)))
    return nn.Sequential(nn.ELU(), *(_wider(a, b) for a, b in pairwise(channels)), last)


def divergence(
    mean: Float[Tensor, "n latent"], log_variance: Float[Tensor, "n latent"]
) -> Float[Tensor, "n latent"]:
    """KL from N(0, 1), for each number of the code, nats (their equation 10)."""
    return -0.5 * (1.0 + log_variance - mean.square() - log_variance.exp())


def missed(
    logits: Float[Tensor, "n side side side"], voxels: Float[Tensor, "n side side side"]
) -> Float[Tensor, " n"]:
    """Weighted cross-entropy of each thing, nats, all its voxels together."""
    weight = logits.new_tensor(OCCUPIED_WEIGHT)
    each = functional.binary_cross_entropy_with_logits(
        logits, voxels, pos_weight=weight, reduction="none"
    )
    return each.flatten(1).sum(dim=-1)


def _narrower(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(channels, out, 4, stride=2, padding=1), nn.GroupNorm(4, out), nn.ELU()
    )


def _wider(channels: int, out: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ConvTranspose3d(channels, out, 4, stride=2, padding=1), nn.GroupNorm(4, out), nn.ELU()
    )
