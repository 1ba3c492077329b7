# SPDX-License-Identifier: GPL-3.0-or-later
"""How well shapes of things that were not taught are found: IoU at the 32³ middles of the cube.

The middles are those of the thing's own cube, turned into the frame in which an answer is given.
It must not know how an answer was found.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import NDArray

from lightkiln.learned.world.shards import unpacked
from lightkiln.learned.world.things import centres
from lightkiln.metrics.voxels import iou

from .material import Draw, Material, points_of

SIDE = 32
THRESHOLDS = np.linspace(0.1, 0.7, 25)

Asked = Callable[[Draw, NDArray[Any]], NDArray[Any]]
"""Some things and points in their frames (n, points, 3) -> chances of being inside."""


def chances(
    material: Material, chosen: Draw, asked: Asked, some: int = SIDE**3
) -> tuple[Float[NDArray[Any], "n some"], Bool[NDArray[Any], "n some"]]:
    """What is answered, thing by thing, and what is true; at `some` of the middles."""
    which = np.random.default_rng(0).permutation(SIDE**3)[:some]
    x = centres(SIDE)[which]
    answers = []
    for index in range(len(chosen.thing)):
        one = Draw(
            *(values[index : index + 1] for values in (chosen.thing, chosen.view, chosen.mirrored))
        )
        answers.append(asked(one, points_of(material, one, x[None]))[0])
    truth = unpacked(material.things.voxels32[chosen.thing], SIDE).reshape(-1, SIDE**3)[:, which]
    return np.stack(answers), truth


def best_threshold(
    chance: Float[NDArray[Any], "n points"], truth: Bool[NDArray[Any], "n points"]
) -> tuple[float, float]:
    """The one with the largest mean IoU, and that IoU."""
    means = [float(iou(chance > at, truth).mean()) for at in THRESHOLDS]
    best = int(np.argmax(means))
    return float(THRESHOLDS[best]), means[best]


def scored(
    chance: Float[NDArray[Any], "n points"],
    truth: Bool[NDArray[Any], "n points"],
    told: Mapping[str, float] | None,
) -> tuple[float, float]:
    """The threshold that was chosen before, or else the best one, and the mean IoU there."""
    if not told or "threshold" not in told:
        return best_threshold(chance, truth)
    at = told["threshold"]
    return at, float(iou(chance > at, truth).mean())


def expected_iou(chance: Float[NDArray[Any], "*n points"], at: float) -> Any:
    """The IoU that an answer expects of itself: a confidence in [0, 1].

    The chances of what is inside, over the inside and the chances of what was left out. For both
    networks it goes with the true IoU of test things (correlation 0.9 and 0.7), yet it does
    not tell an unknown kind of thing from a difficult one.
    """
    inside = chance > at
    left_out = np.where(inside, 0.0, chance).sum(axis=-1)
    sure = np.where(inside, chance, 0.0).sum(axis=-1)
    return sure / np.maximum(inside.sum(axis=-1) + left_out, 1.0)  # one cell is the least
