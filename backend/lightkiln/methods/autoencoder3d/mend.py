# SPDX-License-Identifier: GPL-3.0-or-later
"""Voxels of a mesh through the autoencoder, back to a mesh. It must not know jobs."""

from __future__ import annotations

from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.voxels.autoencoding import reconstructed
from lightkiln.learned.voxels.finish import color_of, finished
from lightkiln.learned.voxels.network import SIDE
from lightkiln.learned.voxels.shipped import autoencoder
from lightkiln.learned.world.library import own_thing
from lightkiln.learned.world.samples import voxels
from lightkiln.methods.spec import Run, hear

from . import Params


def reconstruct(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """The mesh as the network gives it back; raises `InvalidScene` or `NothingReconstructed`."""
    if len(inputs.meshes) != 1:
        raise InvalidScene(
            f"The method mends one mesh; there are {len(inputs.meshes) or 'none'}.",
            hint="Give one mesh, upright, its front towards -Y.",
        )
    with run.phase("looking at the mesh", 0.5):
        hear(run)
        mesh = inputs.meshes[0]
        solid = voxels(own_thing(mesh.path, mesh.family, 0, 0), SIDE)
    with run.phase("giving it back", 0.5):
        hear(run)
        network, _ = autoencoder(params.weights, run.device)
        logits = reconstructed(network, solid[None])[0]
        color = color_of(run.seed)
        return finished(logits, inputs.region, params.threshold, params.faces, color)
