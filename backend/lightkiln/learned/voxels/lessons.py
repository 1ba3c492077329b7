# SPDX-License-Identifier: GPL-3.0-or-later
"""The lessons of this package by name, of a dataset on disk. It must not know how they teach."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from lightkiln.learned.weights import About
from lightkiln.learned.world.plan import Plan, Split, plan_of, world_of
from lightkiln.learned.world.shards import things

from .autoencoding import Autoencoding, filled
from .gan import Contest
from .shipped import AUTOENCODER, GAN, VAE

SIZE = {"latent": 32, "width": 16}
GAN_SIZE = {"latent": 64, "width": 32, "doublings": 2}


def vae(dataset: Path | None, split: Split, size: Mapping[str, int]) -> tuple[Autoencoding, About]:
    """Taught with the things for training, judged on those of a split; raises `UserError`."""
    return _autoencoding(VAE, dataset, split, size)


def autoencoder(
    dataset: Path | None, split: Split, size: Mapping[str, int]
) -> tuple[Autoencoding, About]:
    """The same network without the draw."""
    return _autoencoding(AUTOENCODER, dataset, split, size)


def gan(dataset: Path | None, split: Split, size: Mapping[str, int]) -> tuple[Contest, About]:
    """Generator and discriminator."""
    assert dataset is not None
    plan = plan_of(dataset)
    size = {**GAN_SIZE, **size, "families": len(plan.families)}
    lesson = Contest(things(dataset, Split.TRAIN), things(dataset, split), size)
    return lesson, _about(GAN, plan, size)


def _autoencoding(
    method: str, dataset: Path | None, split: Split, size: Mapping[str, int]
) -> tuple[Autoencoding, About]:
    assert dataset is not None
    plan = plan_of(dataset)
    size = {**SIZE, **size, "families": len(plan.families)}
    draws = method == VAE
    taught, judged = (filled(things(dataset, part)) for part in (Split.TRAIN, split))
    lesson = Autoencoding(taught, judged, size, draws=draws)
    return lesson, _about(method, plan, size)


def _about(method: str, plan: Plan, size: Mapping[str, int]) -> About:
    return About(method=method, world=world_of(plan), size=size, families=plan.families)
