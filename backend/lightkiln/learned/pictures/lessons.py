# SPDX-License-Identifier: GPL-3.0-or-later
"""The lessons of this package by name, of a dataset on disk. It must not know how they teach."""

from __future__ import annotations

from pathlib import Path

from lightkiln.learned.weights import About
from lightkiln.learned.world.shards import Split, plan_of, things, world_of

from .occupancy_lesson import OccupancyLesson
from .pifu_lesson import PifuLesson

OCCUPANCY_SIZE = {"code": 256, "width": 128, "channels": 32}
PIFU_SIZE = {"channels": 48, "width": 128}


def occupancy_network(dataset: Path | None, split: Split) -> tuple[OccupancyLesson, About]:
    """Taught with the things for training, judged on those of a split; raises `UserError`."""
    assert dataset is not None
    lesson = OccupancyLesson(things(dataset, Split.TRAIN), things(dataset, split), OCCUPANCY_SIZE)
    world = world_of(plan_of(dataset))
    return lesson, About(method="occupancy-network", world=world, size=OCCUPANCY_SIZE)


def pifu(dataset: Path | None, split: Split) -> tuple[PifuLesson, About]:
    """The same for PIFu."""
    assert dataset is not None
    lesson = PifuLesson(things(dataset, Split.TRAIN), things(dataset, split), PIFU_SIZE)
    return lesson, About(method="pifu", world=world_of(plan_of(dataset)), size=PIFU_SIZE)
