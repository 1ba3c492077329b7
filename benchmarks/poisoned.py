# SPDX-License-Identifier: GPL-3.0-or-later
"""Kiln whose field is no number every few steps, as a method: what becomes of a job around it.

It must not know how kiln recovers.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from lightkiln.api import Inputs, Run, TriangleMesh
from lightkiln.methods import kiln
from lightkiln.methods.kiln import train
from lightkiln.training.refinement import Figures, Refiner

EVERY = 15
"""Steps."""


def reconstruct(inputs: Inputs, params: kiln.Params, run: Run) -> TriangleMesh:
    """What kiln returns, in spite of it."""
    step = Refiner.step

    def poisoned(self: Refiner, index: int, *others: Any) -> Figures:
        if index % EVERY == EVERY - 1:
            self._band.color[:] = np.nan
        return step(self, index, *others)

    Refiner.step = poisoned  # type: ignore[method-assign]
    return train.reconstruct(inputs, params, run)


SPEC = replace(
    kiln.SPEC,
    name="kiln-poisoned",
    summary="Kiln, whose field is no number every few steps.",
    entry=f"{__name__}:reconstruct",
    devices=("cpu",),
)
