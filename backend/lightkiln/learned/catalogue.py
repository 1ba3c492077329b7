# SPDX-License-Identifier: GPL-3.0-or-later
"""The learned methods by name: what teaches each, and what it is called when it is evaluated.

A lesson is made by `lesson(dataset, split, size)`: it teaches with the things for training and
judges on those of `split`; `size` is what the network shall be other than the weights that come
with Lightkiln. It must not know how anything is learned; a lesson's module is imported when it is
asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from lightkiln_shared.errors import UnknownMethod, UserError

from .lesson import Lesson
from .weights import About
from .world.plan import Split

Made = tuple[Lesson, About]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learner:
    """A method that can be taught."""

    lesson: str
    """`module:function` in this package; the function makes a lesson and what it is about."""
    weights: str
    """Where its own weights are, in `lightkiln`."""
    sizes: tuple[str, ...] = ()
    """What can be told of the network."""
    large: Mapping[str, int] = field(default_factory=dict)
    """Sizes for a GPU: as in the paper, where there is one."""
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
        sizes=("code", "width", "channels"),
        large={"code": 256, "width": 256, "channels": 64},
    ),
    "pifu": Learner(
        lesson="pictures.lessons:pifu",
        weights="learned/pictures/pifu.safetensors",
        sizes=("channels", "width"),
        large={"channels": 128, "width": 512},
    ),
    "r2n2": Learner(
        lesson="pictures.lessons:r2n2",
        weights="learned/pictures/r2n2.safetensors",
        sizes=("kernel", "gru", "pixels", "width", "features", "hidden", "decoder"),
        large={"pixels": 127, "width": 96, "features": 1024, "hidden": 128, "decoder": 128},
    ),
    "deepsdf": Learner(
        lesson="distances.lesson:deepsdf",
        weights="learned/distances/weights.safetensors",
        sizes=("code", "width", "layers"),
        large={"code": 256, "width": 512, "layers": 8},
    ),
    "vae3d": Learner(
        lesson="voxels.lessons:vae",
        weights="learned/voxels/vae3d.safetensors",
        sizes=("latent", "width"),
        large={"latent": 128, "width": 64},
    ),
    "autoencoder3d": Learner(
        lesson="voxels.lessons:autoencoder",
        weights="learned/voxels/autoencoder3d.safetensors",
        sizes=("latent", "width"),
        large={"latent": 128, "width": 64},
    ),
    "gan3d": Learner(
        lesson="voxels.lessons:gan",
        weights="learned/voxels/gan3d.safetensors",
        sizes=("latent", "width", "doublings"),
        large={"latent": 200, "width": 64, "doublings": 3},
    ),
    "unet-slices": Learner(
        lesson="slices.lesson:unet_slices",
        weights="learned/slices/weights.safetensors",
        own_data=True,
        sizes=("width", "levels"),
        large={"width": 64, "levels": 5},
    ),
}


def learner(name: str) -> Learner:
    """The method of that name; raises `UnknownMethod`."""
    if name not in LEARNERS:
        raise UnknownMethod(
            f"There is no learned method {name!r}.", hint=f"There are: {', '.join(LEARNERS)}."
        )
    return LEARNERS[name]


def lesson_of(
    name: str,
    dataset: Path | None,
    split: Split = Split.VALIDATION,
    size: Mapping[str, int] | None = None,
) -> Made:
    """What teaches a method; raises `UserError` where it needs a dataset and has none."""
    found = learner(name)
    if dataset is None and not found.own_data:
        raise UserError(
            f"{name} learns from a dataset.", hint="Make one: lightkiln dataset make FOLDER."
        )
    module, _, function = found.lesson.partition(":")
    make = getattr(importlib.import_module(f"{__package__}.{module}"), function)
    return cast("Callable[[Path | None, Split, Mapping[str, int]], Made]", make)(
        dataset, split, size or {}
    )


def own_weights(name: str) -> Path:
    """The file that comes with Lightkiln."""
    return Path(__file__).parents[1] / learner(name).weights
