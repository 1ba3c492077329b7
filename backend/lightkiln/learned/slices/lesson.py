# SPDX-License-Identifier: GPL-3.0-or-later
"""How the U-Net is taught: slices of phantoms, and volumes of others by which it is judged.

It must not know files, runs or real scans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from numpy.random import Generator
from numpy.typing import NDArray
from torch import nn

from lightkiln.capture.volume import Volume
from lightkiln.fields.short_numbers import short_numbers
from lightkiln.learned.lesson import Batch, Figures, Pupil, adam
from lightkiln.learned.weights import About
from lightkiln.learned.world.plan import Split

from .network import HIGHEST, LOWEST, UNet, loss, windowed
from .parts import BONE, CONTRAST
from .phantoms import TEST, TRAINING, VALIDATION, Phantom, phantom
from .segment import METHOD, NEAR, SPACING, labelled, probabilities

WORLD = "bones, organs and vessels of made-up bodies in CT (Hounsfield units)"
WINDOW, JUDGED_WINDOW = (96, 96, 6), (112, 112, 12)
NATIVE = (SPACING / NEAR, SPACING * NEAR)
"""Spacings at which slices are looked at as they are, mm."""
RATE = 2e-3


@dataclass(frozen=True, kw_only=True)
class SlicesLesson:
    """The lesson of `unet-slices`."""

    width: int = 16
    levels: int = 4
    batch_size: int = 8
    bodies: int = 500
    """For training; kept once they were drawn."""
    judged_bodies: int = 8
    judged_on: range = VALIDATION
    """Seeds of the bodies that it is judged on."""

    @property
    def about(self) -> About:
        """For the file of weights."""
        return About(method=METHOD, world=WORLD, size={"width": self.width, "levels": self.levels})

    def network(self) -> nn.Module:
        """A new one."""
        return UNet(self.width, self.levels)

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        """AdamW."""
        return adam(network, RATE)

    def batch(self, draw: Generator, count: int) -> Batch:
        """`seen` (n, 3, x, y), Hounsfield units, and `labels` (n, x, y)."""
        pairs = [self._cut(draw) for _ in range(count)]
        seen, labels = (np.stack(each) for each in zip(*pairs, strict=True))
        return {"seen": torch.from_numpy(seen), "labels": torch.from_numpy(labels).long()}

    def _cut(self, draw: Generator) -> tuple[NDArray[Any], NDArray[Any]]:
        """A slice with its neighbours, sometimes mirrored, brighter or noisier."""
        body = _kept(TRAINING[draw.integers(self.bodies)])
        z = int(draw.integers(1, body.values.shape[2] - 1))
        around = np.array([z - 1, z, z + 1])[:: int(draw.choice((-1, 1)))]
        flip = (slice(None, None, int(draw.choice((-1, 1)))), slice(None))
        seen = np.moveaxis(body.values[:, :, around], -1, 0)[:, *flip].astype(np.float32)
        seen = seen * draw.uniform(0.95, 1.05) + draw.normal(0, 10)
        seen = seen + draw.uniform(0, 20) * draw.standard_normal(seen.shape, dtype=np.float32)
        return seen.astype(np.float32), body.labels[:, :, z][flip]

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        """One step against cross-entropy and Dice."""
        with short_numbers(pupil.device):
            logits = pupil.network(windowed(batch["seen"]))
        value = loss(logits.float(), batch["labels"])
        pupil.learn(value)
        return {"loss": value.item()}

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """Dice of whole volumes, the mean of both classes first."""
        found = [dice_of(network, _judged(seed)) for seed in self.judged_on[: self.judged_bodies]]
        bone, organ = (_mean([each[k] for each in found]) for k in range(2))
        return {"dice": 0.5 * (bone + organ), "dice_bone": bone, "dice_organ": organ}

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """Slices, one above the other: as scanned, the truth, the answer."""
        rows = []
        for seed in self.judged_on[: min(3, self.judged_bodies)]:
            body = _judged(seed)
            middle = body.values.shape[2] // 2
            answer = labelled(probabilities(network, volume_of(body)))
            rows.append(_row(*(each[:, :, middle] for each in (body.values, body.labels, answer))))
        return {"slices": np.concatenate(rows)} if rows else {}


def unet_slices(
    _dataset: Path | None, split: Split, size: Mapping[str, int]
) -> tuple[SlicesLesson, About]:
    """Judged on bodies of a split; it draws them itself."""
    lesson = SlicesLesson(judged_on=TEST if split is Split.TEST else VALIDATION, **size)
    return lesson, lesson.about


def volume_of(body: Phantom) -> Volume:
    """A phantom as if it had been read from a file."""
    return Volume(values=body.values, world_from_index=np.diag([*body.spacing, 1.0]))


def dice_of(network: nn.Module, body: Phantom) -> tuple[float, float]:
    """Of bone and of organs with contrast medium; NaN for what the body has not."""
    answer = labelled(probabilities(network, volume_of(body)))
    bone, organ = (dice(answer == k, body.labels == k) for k in (BONE, CONTRAST))
    return bone, organ


def dice(answer: Bool[NDArray[Any], "*n"], truth: Bool[NDArray[Any], "*n"]) -> float:
    """2 |A ∩ B| / (|A| + |B|) (Dice 1945); NaN where there is nothing to be found."""
    if not truth.any():
        return float("nan")
    return float(2 * (answer & truth).sum() / (answer.sum() + truth.sum()))


@lru_cache(maxsize=2000)
def _kept(seed: int) -> Phantom:
    """Values are kept as 16 bits: two thousand bodies take some 300 MB."""
    body = phantom(seed, WINDOW, NATIVE)
    return Phantom(body.values.astype(np.float16), body.labels, body.spacing)


@lru_cache(maxsize=100)
def _judged(seed: int) -> Phantom:
    return phantom(seed, JUDGED_WINDOW)


def _mean(values: list[float]) -> float:
    known = [value for value in values if value == value]
    return float(np.mean(known)) if known else 0.0


def _row(values: NDArray[Any], *labels: NDArray[Any]) -> NDArray[Any]:
    """(h, 3 w, 3) uint8; the front of the body is up."""
    grey = 255.0 * np.clip((values - LOWEST) / (0.6 * (HIGHEST - LOWEST)), 0.0, 1.0)
    tiles = [np.repeat(grey[..., None], 3, axis=-1).astype(np.uint8)]
    tiles += [PAINT[each] for each in labels]
    return np.concatenate([np.swapaxes(tile, 0, 1)[::-1] for tile in tiles], axis=1)


PAINT = np.array([[20, 20, 24], [235, 225, 205], [190, 70, 60]], dtype=np.uint8)
"""Colours of the classes."""
