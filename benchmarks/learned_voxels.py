# SPDX-License-Identifier: GPL-3.0-or-later
"""Autoencoder, VAE and GAN: what they give back of unseen things, and what they invent.

It must not know pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.voxels import shipped
from lightkiln.learned.voxels.autoencoding import decoded, drawn, noisy, reconstructed
from lightkiln.learned.voxels.gan import coarser, generated
from lightkiln.learned.voxels.network import SIDE
from lightkiln.learned.voxels.scores import likeness, set_scores
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.plan import Split
from lightkiln.learned.world.shards import things, unpacked
from lightkiln.methods.detached import DetachedRun
from lightkiln.methods.invention import Params
from lightkiln.methods.vae3d.infer import generate
from lightkiln.metrics.voxels import iou
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray

from benchmarks.learned_sheet import Cell, shaded

SAMPLES = 180
SPREADS = (0.8, 1.0)
SHARES = np.arange(0.1, 0.6, 0.1)
"""Above which a mean shape counts as full: the best is taken, to its favour."""
OF_EACH = 4
CUBE = Region(shape=RegionShape.BOX, world_from_region=np.eye(4))

Voxels = NDArray[Any]


def measured(world: Path) -> dict[str, float]:
    """Figures on the test things."""
    taught, test = things(world, Split.TRAIN), things(world, Split.TEST)
    known, truth = unpacked(taught.voxels32, SIDE), unpacked(test.voxels32, SIDE)
    return {
        **_given_back(truth),
        **_baselines(known, taught.family, truth, test.family),
        **_invented(known, taught.family, truth),
    }


def rows() -> list[tuple[str, list[Cell]]]:
    """Inventions of the VAE, by family, of the seeds 0, 1, 2, ..."""
    inputs = LearnedInputs(region=CUBE)
    return [
        (
            name,
            [
                shaded(generate(inputs, Params(family=name), DetachedRun(seed=seed)))
                for seed in range(OF_EACH)
            ],
        )
        for name in FAMILIES
    ]


def _given_back(truth: Voxels) -> dict[str, float]:
    vae, autoencoder = shipped.vae()[0], shipped.autoencoder()[0]
    spoiled = noisy(truth, np.random.default_rng(0), share=1.0)
    return {
        "vae": _like(reconstructed(vae, truth) > 0.0, truth),
        "autoencoder": _like(reconstructed(autoencoder, truth) > 0.0, truth),
        "spoiled": _like(spoiled, truth),
        "mended": _like(reconstructed(autoencoder, spoiled) > 0.0, truth),
    }


def _baselines(known: Voxels, of: Voxels, truth: Voxels, wanted: Voxels) -> dict[str, float]:
    mean = np.broadcast_to(known.mean(axis=0), truth.shape)
    family = np.stack([known[of == index].mean(axis=0) for index in range(len(FAMILIES))])[wanted]
    return {
        "nearest": float(likeness(truth, known).max(axis=1).mean()),
        "mean": max(_like(mean > share, truth) for share in SHARES),
        "family_mean": max(_like(family > share, truth) for share in SHARES),
    }


def _invented(known: Voxels, of: Voxels, truth: Voxels) -> dict[str, float]:
    """Coverage, matching and the like of samples; of true things as if they were samples."""
    vae, gan = shipped.vae()[0], shipped.gan()[0]
    family = torch.arange(SAMPLES) % len(FAMILIES)
    each = SAMPLES // len(FAMILIES)
    true = np.concatenate([known[of == index][:each] for index in range(len(FAMILIES))])
    side = SIDE // 2
    sets = {"true32": (true, truth), "true16": (coarser(true, side), coarser(truth, side))}
    for spread in SPREADS:
        sets[f"vae_{spread:g}"] = (drawn(vae, family, spread, 0) > 0.0, truth)
        small = generated(gan, family, spread, 0) > 0.0
        sets[f"gan_{spread:g}"] = (small, coarser(truth, side))
    noise = torch.randn(SAMPLES, vae.latent, generator=torch.Generator().manual_seed(0))
    sets["vae_plain"] = (decoded(vae, noise) > 0.0, truth)
    found = {}
    for name, (samples, real) in sets.items():
        about = set_scores(samples, real)
        found |= {f"{name}_coverage": about.coverage, f"{name}_matching": about.matching}
        found |= {f"{name}_filled": about.occupancy, f"{name}_alike": about.similarity}
    found["vae_near"] = float(likeness(sets["vae_0.8"][0], known).max(axis=1).mean())
    return found


def _like(a: Voxels, b: Voxels) -> float:
    return float(iou(a, b).mean())
