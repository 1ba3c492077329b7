# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photograph to a mesh that fills the region's cube, upright, facing who took it.

It must not know files but its weights.
"""

from __future__ import annotations

import torch
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.pictures.answers import OCCUPANCY, OccupancyAnswer, opened
from lightkiln.learned.pictures.making import Wanted, made
from lightkiln.learned.pictures.prepared import prepared
from lightkiln.methods.spec import Run

from . import Params

UNSURE = 0.35
"""Confidence below which the person is told: a fifth of validation, of thin things mostly."""


def reconstruct(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """The shape of the thing in a photograph; raises `InvalidScene` and `NothingReconstructed`."""
    if inputs.image is None:
        raise InvalidScene("There is no photograph.", hint="Give one picture of the thing.")
    with run.phase("reading the picture", 0.1):
        picture = prepared(inputs.image)
        taught = opened(OCCUPANCY, params.weights, torch.device(run.device))
        answer = OccupancyAnswer(taught.network, picture)
    wanted = Wanted(
        threshold=params.threshold or taught.threshold,
        resolution=params.resolution,
        faces=params.faces,
        unsure=UNSURE,
    )
    return made(answer, wanted, inputs.region, run)
