# SPDX-License-Identifier: GPL-3.0-or-later
"""From photographs of a thing to a mesh of one colour, in the thing's own frame: its front is
towards -Y, whatever side it was seen from. It must not know jobs or networks' insides.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from scipy.special import expit

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.pictures.answers import R2N2, opened
from lightkiln.learned.pictures.making import tell_confidence
from lightkiln.learned.pictures.prepared import prepared
from lightkiln.learned.pictures.r2n2_lesson import said
from lightkiln.learned.voxels.finish import finished
from lightkiln.methods.seen import UNSURE
from lightkiln.methods.spec import Run, hear
from lightkiln.ops.colors import linear_from_srgb

from . import Params


def reconstruct(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """The shape of the thing in the photographs.

    Raises `InvalidScene`, `InvalidWeights` or `NothingReconstructed`.
    """
    if not inputs.images:
        raise InvalidScene("There is no photograph.", hint="Give one picture of the thing or more.")
    with run.phase("reading the pictures", 0.7):
        taught = opened(R2N2, params.weights, torch.device(run.device))
        # As many as time allows; one is enough.
        looked = [inputs.images[k] for k in run.steps(len(inputs.images))] or inputs.images[:1]
        pictures = np.stack([prepared(image, taught.network.pixels) for image in looked])
        seen = torch.from_numpy(pictures)[None].to(torch.device(run.device))
        logits = said(taught.network, seen)[0]
    threshold = params.threshold or taught.threshold
    tell_confidence(expit(logits).reshape(-1), threshold, UNSURE, run)
    with run.phase("making the mesh", 0.3):
        hear(run)
        return finished(logits, inputs.region, threshold, params.faces, _color(pictures))


def _color(pictures: Float[NDArray[Any], "views 4 H H"]) -> Float[NDArray[Any], " 3"]:
    """The pictures' mean, linear; the network knows no colours."""
    weight = max(float(pictures[:, 3].sum()), 1e-6)  # pictures of nothing have no colour
    return linear_from_srgb(pictures[:, :3].sum(axis=(0, 2, 3)) / weight)
