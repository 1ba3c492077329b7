# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: a thing for a seed, by any network that draws voxels.

It must not know which network draws.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lightkiln_shared.errors import InvalidParams
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from torch import nn

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.voxels.finish import color_of, finished
from lightkiln.learned.weights import About

from .invention import ANY, Params
from .spec import Run, hear, rng

Network = TypeVar("Network", bound=nn.Module)
Draw = Callable[[Network, int, float, int], NDArray[Any]]
"""Of a network: the logits (side, side, side) of a thing of a family, by spread and seed."""


def invented(
    inputs: LearnedInputs,
    params: Params,
    run: Run,
    opened: Callable[[str, str], tuple[Network, About]],
    draw: Draw[Network],
) -> TriangleMesh:
    """A new thing in the region's cube; raises `InvalidWeights` or `NothingReconstructed`."""
    with run.phase("reading weights", 0.5):
        network, about = opened(params.weights, run.device)
        hear(run)
    family = _family(params.family, about, run)
    with run.phase("generating", 0.5):
        hear(run)
        logits = draw(network, family, params.spread, run.seed)
        color = color_of(run.seed)
        return finished(logits, inputs.region, params.threshold, params.faces, color, params.smooth)


def _family(name: str, about: About, run: Run) -> int:
    """The number by which the network knows a family; by the seed, if any will do."""
    if name == ANY:
        return int(rng(run).integers(len(about.families)))
    if name not in about.families:
        raise InvalidParams(
            f"These weights know no {name}.", hint=f"They know: {', '.join(about.families)}."
        )
    return about.families.index(name)
