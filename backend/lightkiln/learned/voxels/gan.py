# SPDX-License-Identifier: GPL-3.0-or-later
"""The generator and its judge: 3D-GAN (Wu et al. 2016, arXiv:1610.07584), told the family.

The two play min_G max_D E[log D(x)] + E[log(1 - D(G(z)))] (their equation 1); the generator takes
the form that does not saturate, max E[log D(G(z))] (Goodfellow et al. 2014, section 3). As there,
the discriminator rests while it is right too often. It is told which family a thing claims to be by
a projection, logit = w·h + e(family)·h (Miyato and Koyama 2018, equation 3), and its labels are
soft (Salimans et al. 2016). A generator that is told the family soon makes one thing of each, so
two of a family are drawn at a time and their likeness costs something (Mao et al. 2019, mode
seeking, arXiv:1903.05628, equation 4). It must not know files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from lightkiln.fields.short_numbers import short_numbers
from lightkiln.learned.lesson import Batch, Figures, Pupil, agreed
from lightkiln.learned.world.shards import Things, unpacked

from .network import COARSE, SIDE, lay_out, widening
from .scores import set_scores
from .surface import sheet

GENERATOR_RATE, DISCRIMINATOR_RATE = 2e-3, 4e-4
BETAS = (0.5, 0.999)
"""Of Adam, as in the paper."""
RIGHT_ENOUGH = 0.8
"""Share of right answers above which the discriminator rests (section 3.1)."""
REAL, MADE = 0.9, 0.1
"""Soft labels: nobody is quite sure."""
LIKENESS_WEIGHT = 0.1
LEAST_DIFFERENCE = 0.05
"""Added to what is divided by: twins shall not outweigh all else."""
TRIES = 8
"""Of which the most real is taken."""
NUM_JUDGED, NUM_COLUMNS = 180, 9
AT_ONCE = 64


class VoxelGan(nn.Module):
    """Both players; only the generator is used afterwards."""

    def __init__(
        self, latent: int = 64, width: int = 32, doublings: int = 2, families: int = 9
    ) -> None:
        super().__init__()
        self.latent, self.families = latent, families
        channels = tuple(width * 2**level for level in reversed(range(doublings)))
        self.from_code = nn.Linear(latent + families, channels[0] * COARSE**3)
        self.widening = widening(channels)
        self.discriminator = Discriminator(channels[::-1], families)
        lay_out(self)

    def generate(
        self, noise: Float[Tensor, "n latent"], family: Int[Tensor, " n"]
    ) -> Float[Tensor, "n side side side"]:
        """Logits of things of these families."""
        told = functional.one_hot(family, self.families).float()
        with short_numbers(noise.device):
            x = self.from_code(torch.cat([noise, told], dim=1))
            x = x.unflatten(1, (-1, COARSE, COARSE, COARSE))
            logits: Tensor = self.widening(x.to(memory_format=torch.channels_last_3d))
        return logits[:, 0].float()


class Discriminator(nn.Module):
    """How real a thing looks, for one that is said to be of its family."""

    def __init__(self, channels: tuple[int, ...], families: int) -> None:
        super().__init__()
        layers = [
            layer
            for a, b in pairwise((1, *channels))
            for layer in (nn.Conv3d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2))
        ]
        self.layers = nn.Sequential(*layers)
        self.is_real = nn.Linear(channels[-1] * COARSE**3, 1)
        self.is_such = nn.Embedding(families, channels[-1] * COARSE**3)
        nn.init.normal_(self.is_such.weight, std=0.01)

    def forward(
        self, voxels: Float[Tensor, "n side side side"], family: Int[Tensor, " n"]
    ) -> Float[Tensor, " n"]:
        """Logits: positive is real."""
        with short_numbers(voxels.device):
            x = voxels[:, None].to(memory_format=torch.channels_last_3d)
            seen = self.layers(x).flatten(1)
            such = (self.is_such(family) * seen).sum(dim=1, keepdim=True)
            logits: Tensor = (self.is_real(seen) + such)[:, 0]
        return logits.float()


class Contest:
    """The lesson of both."""

    batch_size = 32

    def __init__(self, training: Things, validation: Things, size: Mapping[str, int]) -> None:
        self._size = {**size}
        side = COARSE * 2 ** self._size["doublings"]
        self._training = coarser(unpacked(training.voxels32, SIDE), side)
        self._validation = coarser(unpacked(validation.voxels32, SIDE), side)
        self._family = training.family

    def network(self) -> nn.Module:
        return VoxelGan(**self._size)

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        assert isinstance(network, VoxelGan)
        judges = list(network.discriminator.parameters())
        makes = [*network.from_code.parameters(), *network.widening.parameters()]
        return [
            torch.optim.Adam(makes, lr=GENERATOR_RATE, betas=BETAS),
            torch.optim.Adam(judges, lr=DISCRIMINATOR_RATE, betas=BETAS),
        ]

    def batch(self, draw: Generator, count: int) -> Batch:
        chosen = draw.integers(len(self._training), size=count)
        return {
            "real": torch.from_numpy(self._training[chosen]),
            "family": torch.from_numpy(self._family[chosen]),
        }

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        network = pupil.network
        assert isinstance(network, VoxelGan)
        asked = batch["family"][: len(batch["family"]) // 2].repeat(2)
        noise = torch.randn(len(asked), network.latent, device=pupil.device)
        made = network.generate(noise, asked).sigmoid()
        right = _teach_judge(pupil, batch, made.detach(), asked)
        network.discriminator.requires_grad_(False)  # it only looks: half the work
        believed = network.discriminator(made, asked)
        loss = functional.softplus(-believed).mean()
        pupil.learn(loss + LIKENESS_WEIGHT * twins(made, noise))
        network.discriminator.requires_grad_(True)
        return {"loss": float(loss.detach()), "right": right}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        assert isinstance(network, VoxelGan)
        family = torch.arange(NUM_JUDGED) % network.families
        samples = generated(network, family, 1.0, seed=0) > 0.0
        return asdict(set_scores(samples, self._validation))

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        assert isinstance(network, VoxelGan)
        family = torch.arange(3 * NUM_COLUMNS) % network.families
        made = generated(network, family, 1.0, seed=0)
        return {"shapes": sheet(made, NUM_COLUMNS)}


@torch.no_grad()
def generated(
    network: VoxelGan, family: Int[Tensor, " n"], spread: float, seed: int
) -> Float[NDArray[Any], "n side side side"]:
    """Logits of new things; with less `spread` they are more usual (Brock et al. 2019)."""
    draw = torch.Generator().manual_seed(seed)
    noise = spread * torch.randn(len(family), network.latent, generator=draw)
    device = network.from_code.weight.device
    parts = [
        network.generate(some.to(device), told.to(device)).cpu().numpy()
        for some, told in zip(
            torch.split(noise, AT_ONCE), torch.split(family, AT_ONCE), strict=True
        )
    ]
    return np.concatenate(parts)


@torch.no_grad()
def most_real(
    network: VoxelGan, family: int, spread: float, seed: int
) -> Float[NDArray[Any], "side side side"]:
    """Logits of the one of some new things that the discriminator believes most (the idea of Azadi
    et al. 2019, arXiv:1810.06758): it has learned to see debris, so let it."""
    asked = torch.full((TRIES,), family)
    made = generated(network, asked, spread, seed)
    device = network.from_code.weight.device
    shown = torch.from_numpy(made).to(device).sigmoid()
    return np.asarray(made[int(network.discriminator(shown, asked.to(device)).argmax())])


def coarser(
    voxels: Bool[NDArray[Any], "n side side side"], side: int
) -> Bool[NDArray[Any], "n coarse coarse coarse"]:
    """Voxels of a lattice of `side`: occupied where any of the finer ones is, so legs stay."""
    n, step = len(voxels), voxels.shape[1] // side
    blocks = voxels.reshape(n, side, step, side, step, side, step)
    return np.asarray(blocks.any(axis=(2, 4, 6)))


def twins(
    made: Float[Tensor, "n side side side"], noise: Float[Tensor, "n latent"]
) -> Float[Tensor, ""]:
    """How alike each of the first half is to its like in the second, for noise as far apart."""
    (a, b), (y, z) = made.chunk(2), noise.chunk(2)
    share = (a - b).abs().sum() / (a + b).sum().clamp(min=1.0)  # at first all may be empty
    return 1.0 / (share / (y - z).abs().mean() + LEAST_DIFFERENCE)


def _teach_judge(pupil: Pupil, batch: Batch, made: Tensor, asked: Tensor) -> float:
    """Let it learn unless it is right too often; returns how often it was."""
    discriminator = pupil.network.discriminator
    assert isinstance(discriminator, Discriminator)
    truth = discriminator(batch["real"].float(), batch["family"])
    claim = discriminator(made, asked)
    right = 0.5 * float((truth > 0.0).float().mean() + (claim < 0.0).float().mean())
    right = agreed(right, pupil.device)
    if right <= RIGHT_ENOUGH:
        cross = functional.binary_cross_entropy_with_logits
        lost = cross(truth, torch.full_like(truth, REAL)) + cross(
            claim, torch.full_like(claim, MADE)
        )
        pupil.learn(lost, 1)
    return right
