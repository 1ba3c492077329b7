# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws a code of a family and decodes it. It must not know jobs or surfaces."""

from __future__ import annotations

from typing import Any

import torch
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray

from lightkiln.api import Run
from lightkiln.capture.inputs import LearnedInputs
from lightkiln.learned.voxels.autoencoding import drawn
from lightkiln.learned.voxels.network import VoxelAutoencoder
from lightkiln.learned.voxels.shipped import vae
from lightkiln.methods.invented import invented
from lightkiln.methods.invention import Params


def generate(inputs: LearnedInputs, params: Params, run: Run) -> TriangleMesh:
    """A new thing in the region's cube; raises `InvalidWeights` or `NothingReconstructed`."""
    return invented(inputs, params, run, vae, _one)


def _one(network: VoxelAutoencoder, family: int, spread: float, seed: int) -> NDArray[Any]:
    logits: NDArray[Any] = drawn(network, torch.tensor([family]), spread, seed)[0]
    return logits
