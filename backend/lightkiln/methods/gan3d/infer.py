# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes some things of noise, takes the best and finds its surface. It must not know jobs."""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh

from lightkiln.api import Run, rng
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.voxels.finish import finished
from lightkiln.learned.voxels.gan import most_real
from lightkiln.learned.voxels.shipped import gan

from . import ANY, FAMILIES, Params


def generate(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """A new thing in the region's cube; raises `InvalidWeights` or `NothingReconstructed`."""
    with run.phase("reading weights", 0.5):
        network = gan(params.weights, run.device)
        _hear(run)
    index = int(rng(run).integers(network.families))
    if params.family != ANY:
        index = FAMILIES.index(params.family)
    with run.phase("generating", 0.5):
        _hear(run)
        logits = most_real(network, index, params.spread, run.seed)
        return finished(logits, inputs.region, params.threshold, params.faces, run.seed)


def _hear(run: Run) -> None:
    """All of it takes a second; a cancel is heard between its two parts."""
    for _ in run.steps(1):
        continue
