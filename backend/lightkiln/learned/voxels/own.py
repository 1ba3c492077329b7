# SPDX-License-Identifier: GPL-3.0-or-later
"""The VAE taught with a person's own meshes, from the shipped one onwards.

What a network has learned of the procedural world (planks, posts, round bodies) serves other things
too: it begins with those weights, and only the codes' prior is new. One variant of every mesh is
kept apart; that it is given back says that the course has not gone wrong, and no more.
It must not know jobs or methods.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightkiln_shared.errors import UserError
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import nn

from lightkiln.learned.course import Course, Recipe
from lightkiln.learned.weights import About
from lightkiln.learned.world.library import own_thing
from lightkiln.learned.world.samples import voxels
from lightkiln.training.processes import Group

from .autoencoding import Autoencoding, Filled
from .network import SIDE, VoxelAutoencoder
from .shipped import VAE, built_in

LEAST = 2
SIZE = {"latent": 32, "width": 16}
JUDGED_EVERY, PATIENCE = 100, 8
"""Steps; judgements without a gain."""

Mesh = tuple[str, Path]
"""A family and a file."""


class OwnShapes(Autoencoding):
    """The VAE's lesson, begun from the shipped weights."""

    def network(self) -> nn.Module:
        made = VoxelAutoencoder(**self._size)
        shipped = load_file(built_in(VAE))
        known = {name: v.float() for name, v in shipped.items() if not name.startswith("prior.")}
        made.load_state_dict(known, strict=False)
        return made

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """None: whoever waits sees the shapes themselves, and a sheet takes longer than its
        hundred steps."""
        return {}


def course_of(
    meshes: Sequence[Mesh],
    variants: int,
    steps: int,
    folder: Path,
    device: torch.device,
    numbered: Callable[[int], Iterable[int]],
) -> Course:
    """What teaches it; `numbered` yields as many numbers as it is asked for, mesh by mesh.

    Raises `UserError` for a mesh that cannot be used, or for too few.
    """
    if len({path.read_bytes() for _, path in meshes}) < LEAST:
        raise UserError(
            "One mesh is one shape: there is nothing between it and others.",
            hint=f"Give {LEAST} meshes or more that are alike.",
        )
    families = tuple(sorted({family for family, _ in meshes}))
    taught, kept = [], []
    for number in numbered(len(meshes)):
        family, path = meshes[number]
        which = families.index(family)
        each = [voxels(own_thing(path, family, number, k), SIDE) for k in range(variants + 1)]
        taught += [(which, one) for one in each[:-1]]
        kept.append((which, each[-1]))
    if not taught:
        raise UserError("No mesh was looked at.", hint="Let it work for a few seconds longer.")
    size = {**SIZE, "families": len(families)}
    lesson = OwnShapes(_filled(taught), _filled(kept), size, draws=True)
    world = f"{len(meshes)} meshes of one's own: {', '.join(families)}"
    about = About(method=VAE, world=world, size=size, families=families)
    recipe = Recipe(
        steps=steps,
        minutes=math.inf,
        batch=min(lesson.batch_size, len(taught)),
        judged_every=JUDGED_EVERY,
        patience=PATIENCE,
    )
    return Course(lesson, about, folder, recipe, Group(0, 1, device))


def _filled(things: Sequence[tuple[int, Any]]) -> Filled:
    families, each = zip(*things, strict=True)
    return Filled(np.stack(each), np.array(families, np.int64))
