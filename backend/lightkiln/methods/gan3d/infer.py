# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes some things of noise and takes the best. It must not know jobs or surfaces."""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh

from lightkiln.api import Run
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.voxels.gan import most_real
from lightkiln.learned.voxels.shipped import gan
from lightkiln.methods.invented import invented
from lightkiln.methods.invention import Params


def generate(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """A new thing in the region's cube; raises `InvalidWeights` or `NothingReconstructed`."""
    return invented(inputs, params, run, gan, most_real)
