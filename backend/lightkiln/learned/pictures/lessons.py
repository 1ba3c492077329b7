# SPDX-License-Identifier: GPL-3.0-or-later
"""The lessons of this package by name, of a dataset on disk. It must not know how they teach."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from lightkiln.learned.weights import About
from lightkiln.learned.world.plan import Split, plan_of, world_of
from lightkiln.learned.world.shards import Things, things

from .answers import OCCUPANCY, PIFU, R2N2
from .occupancy_lesson import OccupancyLesson
from .pifu_lesson import PifuLesson
from .r2n2_lesson import R2n2Lesson

Taught = TypeVar("Taught")

OCCUPANCY_SIZE = {"code": 256, "width": 128, "channels": 32}
PIFU_SIZE = {"channels": 48, "width": 128}
R2N2_SIZE = {"kernel": 3, "gru": 1}


def occupancy_network(
    dataset: Path | None, split: Split, size: Mapping[str, int]
) -> tuple[OccupancyLesson, About]:
    """Taught with the things for training, judged on those of a split; raises `UserError`."""
    return _made(OccupancyLesson, OCCUPANCY, dataset, split, {**OCCUPANCY_SIZE, **size})


def pifu(dataset: Path | None, split: Split, size: Mapping[str, int]) -> tuple[PifuLesson, About]:
    """The same for PIFu."""
    return _made(PifuLesson, PIFU, dataset, split, {**PIFU_SIZE, **size})


def r2n2(dataset: Path | None, split: Split, size: Mapping[str, int]) -> tuple[R2n2Lesson, About]:
    """The same for the recurrent network."""
    return _made(R2n2Lesson, R2N2, dataset, split, {**R2N2_SIZE, **size})


def _made(
    make: Callable[[Things, Things, Mapping[str, int]], Taught],
    method: str,
    dataset: Path | None,
    split: Split,
    size: Mapping[str, int],
) -> tuple[Taught, About]:
    assert dataset is not None
    lesson = make(things(dataset, Split.TRAIN), things(dataset, split), size)
    return lesson, About(method=method, world=world_of(plan_of(dataset)), size=size)
