# SPDX-License-Identifier: GPL-3.0-or-later
"""How the autoencoder and the VAE are taught: the same lesson, with a draw or without.

The VAE minimises the weighted cross-entropy plus the divergence of its code from N(0, 1) (Kingma
and Welling 2014, equation 7). What is drawn later comes from the fitted `CodePrior`, so the code
need not be N(0, 1), only without holes. The autoencoder sees some of its things with voxels
flipped and gives them back clean (Vincent et al. 2008). It must not know files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, nn

from lightkiln.learned.lesson import Batch, Figures, Pupil, adam
from lightkiln.learned.world.shards import Things, unpacked
from lightkiln.metrics.voxels import iou

from .network import SIDE, VoxelAutoencoder, divergence, missed
from .surface import certain, sheet

RATE = 2e-3
DIVERGENCE_WEIGHT = 1.0
WARM = 0.15
"""Of the course, over which that weight rises: a code that is punished before it says anything
never begins to (Bowman et al. 2016)."""
NOISY, FLIPPED = 0.5, 0.03
"""Share of the autoencoder's things that are noisy, and of their voxels that are flipped."""
ACTIVE = 0.01
"""Variance of the mean above which a number of the code says something (Burda et al. 2016)."""
AT_ONCE = 64
SHOWN = 9


@dataclass(frozen=True, slots=True, eq=False)
class Filled:
    """Things as voxels."""

    voxels: NDArray[Any]
    """(n, side, side, side) bool."""
    family: NDArray[Any]
    """(n,) int64."""


class Autoencoding:
    """The lesson; with `draws` it is the VAE's."""

    batch_size = 16

    def __init__(
        self, training: Filled, validation: Filled, size: Mapping[str, int], *, draws: bool
    ) -> None:
        self._training, self._validation = training.voxels, validation.voxels
        self._family = torch.from_numpy(training.family)
        self._size, self._draws = {**size}, draws

    def network(self) -> nn.Module:
        return VoxelAutoencoder(**self._size)

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        return adam(network, RATE)

    def batch(self, draw: Generator, count: int) -> Batch:
        truth = self._training[draw.integers(len(self._training), size=count)]
        shown = truth if self._draws else noisy(truth, draw)
        return {"truth": torch.from_numpy(truth), "shown": torch.from_numpy(shown)}

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        network = pupil.network
        assert isinstance(network, VoxelAutoencoder)
        mean, log_variance = network.encode(batch["shown"].float())
        codes, told = mean, torch.zeros_like(mean)
        if self._draws:
            codes = mean + (0.5 * log_variance).exp() * torch.randn_like(mean)
            told = divergence(mean, log_variance)
        lost, nats = missed(network.decode(codes), batch["truth"].float()).mean(), told.sum(1)
        weight = DIVERGENCE_WEIGHT * min(1.0, pupil.progress / WARM)
        loss = lost + weight * nats.mean()
        pupil.learn(loss)
        seen = {"loss": loss, "missed": lost, "nats": nats.mean()}
        return {name: float(value.detach()) for name, value in seen.items()}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """Also fits the prior of the codes to the things for training: it is kept with them."""
        assert isinstance(network, VoxelAutoencoder)
        means, log_variances = encoded(network, self._training)
        if not self._draws:
            log_variances = torch.full_like(log_variances, -np.inf)
        network.prior.fit(means, log_variances, self._family.to(means.device))
        truth = self._validation
        found = reconstructed(network, truth) > 0.0
        figures = {"iou": float(iou(found, truth).mean())}
        if self._draws:
            nats = divergence(*encoded(network, truth)).mean(dim=0)
            active = float((means.var(dim=0) > ACTIVE).sum())
            return {**figures, "nats": float(nats.sum()), "active": active}
        spoiled = noisy(truth, np.random.default_rng(0), share=1.0)
        mended = reconstructed(network, spoiled) > 0.0
        return {
            **figures,
            "iou_noisy": float(iou(spoiled, truth).mean()),
            "iou_mended": float(iou(mended, truth).mean()),
        }

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """Rows of things, of what became of them, and of new ones."""
        assert isinstance(network, VoxelAutoencoder)
        count = min(SHOWN, len(self._validation))
        truth = self._validation[np.linspace(0, len(self._validation) - 1, count).astype(int)]
        new = drawn(network, torch.arange(count) % network.prior.families, 0.8, seed=0)
        return {
            "shapes": sheet(
                np.concatenate([certain(truth), reconstructed(network, truth), new]), count
            )
        }


@torch.no_grad()
def encoded(
    network: VoxelAutoencoder, voxels: Bool[NDArray[Any], "n side side side"]
) -> tuple[Float[Tensor, "n latent"], Float[Tensor, "n latent"]]:
    """Means and logarithms of the variances."""
    device = network.prior.mean.device
    each = [
        network.encode(torch.from_numpy(voxels[at : at + AT_ONCE]).to(device).float())
        for at in range(0, len(voxels), AT_ONCE)
    ]
    return torch.cat([mean for mean, _ in each]), torch.cat([spread for _, spread in each])


@torch.no_grad()
def decoded(
    network: VoxelAutoencoder, codes: Float[Tensor, "n latent"]
) -> Float[NDArray[Any], "n side side side"]:
    """Logits."""
    parts = [network.decode(some).cpu().numpy() for some in torch.split(codes, AT_ONCE)]
    return np.concatenate(parts)


def reconstructed(
    network: VoxelAutoencoder, voxels: Bool[NDArray[Any], "n side side side"]
) -> Float[NDArray[Any], "n side side side"]:
    """Logits of what the means of the codes become."""
    return decoded(network, encoded(network, voxels)[0])


def drawn(
    network: VoxelAutoencoder, family: Tensor, spread: float, seed: int
) -> Float[NDArray[Any], "n side side side"]:
    """Logits of new things of these families (n,)."""
    codes = network.prior.draw(family, spread, torch.Generator().manual_seed(seed))
    return decoded(network, codes)


def noisy(
    voxels: Bool[NDArray[Any], "n side side side"], draw: Generator, share: float = NOISY
) -> Bool[NDArray[Any], "n side side side"]:
    """Some of the things, with some of their voxels flipped."""
    flipped = draw.random(voxels.shape, dtype=np.float32) < FLIPPED
    chosen = draw.random(len(voxels)) < share
    return np.asarray(voxels ^ (flipped & chosen[:, None, None, None]))


def filled(things: Things) -> Filled:
    """A dataset's."""
    return Filled(unpacked(things.voxels32, SIDE), things.family)
