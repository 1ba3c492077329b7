# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photograph to a mesh of one colour. It must not know jobs or surfaces."""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.pictures.answers import OCCUPANCY, OccupancyAnswer
from lightkiln.methods.one_picture import Params
from lightkiln.methods.seen import seen
from lightkiln.methods.spec import Run


def reconstruct(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """The shape of the thing in a photograph; raises `InvalidScene` and `NothingReconstructed`."""
    return seen(inputs, params, run, OCCUPANCY, OccupancyAnswer)
