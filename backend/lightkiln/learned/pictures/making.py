# SPDX-License-Identifier: GPL-3.0-or-later
"""From what a network says of a photograph to a coloured mesh that fills a region, step by step.

It must not know which network answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region
from numpy.typing import NDArray
from scipy.special import expit

from lightkiln.learned.placing import placed
from lightkiln.ops.colors import linear_from_srgb

from . import scores, surface
from .answers import Answer


@runtime_checkable
class Watched(Protocol):
    """What is needed of a run: it counts steps, and hears a cancel between two of them."""

    def phase(self, name: str, share: float) -> AbstractContextManager[None]: ...

    def steps(self, count: int) -> Iterator[int]: ...

    def record(self, **metrics: float) -> None: ...

    def warn(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the mesh shall be like."""

    threshold: float
    resolution: int
    faces: int
    unsure: float
    """Confidence below which the person is told."""


def made(answer: Answer, wanted: Wanted, region: Region, run: Watched) -> TriangleMesh:
    """The mesh, in the world; raises `NothingReconstructed`."""
    level = surface.level_of(wanted.threshold)
    with run.phase("asking about the shape", 0.7):
        lattice = _refined(answer, level, wanted.resolution, run)
        tell_confidence(expit(lattice.coarsest), wanted.threshold, wanted.unsure, run)
    with run.phase("making the mesh", 0.2):
        mesh = surface.solid(lattice, level, wanted.faces)
        colors = linear_from_srgb(answer.colors(mesh.positions)).astype(np.float32)
        return placed(surface.filling(replace(mesh, colors=colors)), region)


def tell_confidence(
    chance: Float[NDArray[Any], " n"], threshold: float, unsure: float, run: Watched
) -> None:
    """How right the network expects itself to be, and a warning where that is little."""
    sure = float(scores.expected_iou(chance, threshold))
    run.record(confidence=sure)
    if sure < unsure:
        run.warn(
            f"The network itself expects only {100.0 * sure:.0f} % of this shape to be right: the "
            "photograph may show a thing that it does not know, or its outline may be wrong."
        )


def _refined(answer: Answer, level: float, resolution: int, run: Watched) -> surface.Lattice:
    """As fine as is wanted, or as time allows."""
    lattice = None
    for _ in run.steps(1 + surface.doublings(resolution)):
        if lattice is None:
            lattice = surface.begun(answer.logits)
        else:
            lattice = surface.finer(lattice, answer.logits, level)
    return lattice or surface.begun(answer.logits)
