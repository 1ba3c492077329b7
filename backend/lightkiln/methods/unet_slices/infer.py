# SPDX-License-Identifier: GPL-3.0-or-later
"""The run of `unet-slices`: reads a scan, looks at its slices, draws a surface.

The mesh is metres, Z up: x to the patient's right, y to the front, z to the head, a thousandth of
the scan's own millimetres. It must not know how the network was taught.
"""

from __future__ import annotations

import torch
from lightkiln_shared.errors import InvalidScene, NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.capture.volume import Volume, canonical
from lightkiln.capture.volume_files import read_volume
from lightkiln.learned.slices.parts import BONE, CONTRAST
from lightkiln.learned.slices.segment import network_of, probabilities, surface
from lightkiln.methods.spec import Run

from . import Params

CLASS = {"bone": BONE, "organ": CONTRAST}
AIR = -300.0
"""Hounsfield units: a CT has something thinner than that, if only round the patient."""


def reconstruct(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """Raises `InvalidScene`, `InvalidWeights`, or `NothingReconstructed` where there is no such
    thing."""
    with run.phase("Reading the slices", 0.1):
        volume = _scan(inputs, run)
        network = network_of(params.weights, torch.device(run.device))
    with run.phase("Looking at the slices", 0.8):
        found = probabilities(network, volume, run.steps)
    with run.phase("Drawing the surface", 0.1):
        mesh = surface(
            volume,
            found[CLASS[params.label]],
            threshold=params.threshold,
            smooth=params.smooth,
            min_share=params.specks,
        )
    if len(mesh.triangles) == 0:
        raise NothingReconstructed(
            f"The network found no {params.label} in the scan.",
            hint="Lower the threshold, or look whether the values are Hounsfield units.",
        )
    return mesh


def _scan(inputs: LearnedInputs, run: Run) -> Volume:
    if inputs.volume is None:
        raise InvalidScene("There is no volume.", hint="Give a scan: a file or a folder of slices.")
    volume = canonical(read_volume(inputs.volume))
    if volume.values.min() > AIR:
        run.warn("The values do not look like Hounsfield units: the network knows CT only.")
    return volume
