# SPDX-License-Identifier: GPL-3.0-or-later
"""The learned methods by name: what teaches each, and what it is called when it is evaluated.

A lesson is made by `lesson(dataset, split)`: it teaches with the things for training and judges on
those of `split`. It must not know how anything is learned; a lesson's module is imported when it is
asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from lightkiln_shared.errors import UnknownMethod, UserError

from .lesson import Lesson
from .weights import About
from .world.shards import Split

Made = tuple[Lesson, About]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A method that can be taught."""

    lesson: str
    """`module:function` in this package; the function makes a lesson and what it is about."""
    weights: str
    """Where its own weights are, in `lightkiln`."""
    own_data: bool = False
    """It draws its data itself, and needs no dataset."""
    minutes: float = 15.0
    """It learns for, unless somebody says."""


LEARNERS = {
    "prior": Learner(
        lesson="prior.lesson:prior",
        weights="priors/embedded/weights.safetensors",
        own_data=True,
        minutes=110.0,
    ),
    "occupancy-network": Learner(
        lesson="pictures.lessons:occupancy_network",
        weights="learned/pictures/occupancy_network.safetensors",
    ),
    "pifu": Learner(lesson="pictures.lessons:pifu", weights="learned/pictures/pifu.safetensors"),
    "deepsdf": Learner(
        lesson="distances.lesson:deepsdf", weights="learned/distances/weights.safetensors"
    ),
    "vae3d": Learner(lesson="voxels.lessons:vae", weights="learned/voxels/vae3d.safetensors"),
    "autoencoder3d": Learner(
        lesson="voxels.lessons:autoencoder", weights="learned/voxels/autoencoder3d.safetensors"
    ),
    "gan3d": Learner(lesson="voxels.lessons:gan", weights="learned/voxels/gan3d.safetensors"),
    "unet-slices": Learner(
        lesson="slices.lesson:unet_slices",
        weights="learned/slices/weights.safetensors",
        own_data=True,
    ),
}


def learner(name: str) -> Learner:
    """The method of that name; raises `UnknownMethod`."""
    if name not in LEARNERS:
        raise UnknownMethod(
            f"There is no learned method {name!r}.", hint=f"There are: {', '.join(LEARNERS)}."
        )
    return LEARNERS[name]


def lesson_of(name: str, dataset: Path | None, split: Split = Split.VALIDATION) -> Made:
    """What teaches a method; raises `UserError` where it needs a dataset and has none."""
    found = learner(name)
    if dataset is None and not found.own_data:
        raise UserError(
            f"{name} learns from a dataset.", hint="Make one: lightkiln dataset make FOLDER."
        )
    module, _, function = found.lesson.partition(":")
    make = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    return cast("Callable[[Path | None, Split], Made]", make)(dataset, split)


def own_weights(name: str) -> Path:
    """The file that comes with Lightkiln."""
    return Path(__file__).parents[1] / learner(name).weights
