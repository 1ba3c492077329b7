# SPDX-License-Identifier: GPL-3.0-or-later
"""From a photograph to a coloured mesh. It must not know jobs or surfaces."""

from __future__ import annotations

from typing import Any

from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.pictures.answers import PIFU, PifuAnswer
from lightkiln.learned.pictures.pifu import Pifu
from lightkiln.methods.one_picture import Params
from lightkiln.methods.seen import seen
from lightkiln.methods.spec import Run


def reconstruct(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """The shape of the thing in a photograph; raises `InvalidScene` and `NothingReconstructed`."""
    return seen(inputs, params, run, PIFU, _alone)


def _alone(network: Pifu, picture: NDArray[Any]) -> PifuAnswer:
    """One picture, whose camera the network guesses."""
    return PifuAnswer(network, picture[None])
