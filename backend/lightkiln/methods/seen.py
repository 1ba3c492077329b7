# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: from a photograph to a mesh that fills the region's cube, upright,
facing who took it.

It must not know which network looks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.pictures.answers import Answer, opened
from lightkiln.learned.pictures.making import Wanted, made
from lightkiln.learned.pictures.prepared import prepared

from .one_picture import Params
from .spec import Run

UNSURE = 0.35
"""Confidence below which the person is told: a fifth of what the occupancy network was validated
on, of thin things mostly."""


def seen(
    inputs: LearnedInputs,
    params: Params,
    run: Run,
    method: str,
    answer: Callable[[Any, NDArray[Any]], Answer],
) -> TriangleMesh:
    """The shape of the thing in a photograph; raises `InvalidScene` and `NothingReconstructed`."""
    if not inputs.images:
        raise InvalidScene("There is no photograph.", hint="Give one picture of the thing.")
    with run.phase("reading the picture", 0.1):
        picture = prepared(inputs.images[0])
        taught = opened(method, params.weights, torch.device(run.device))
        looked = answer(taught.network, picture)
    wanted = Wanted(
        threshold=params.threshold or taught.threshold,
        resolution=params.resolution,
        faces=params.faces,
        unsure=UNSURE,
    )
    return made(looked, wanted, inputs.region, run)
