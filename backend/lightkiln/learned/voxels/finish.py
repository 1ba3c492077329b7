# SPDX-License-Identifier: GPL-3.0-or-later
"""From a network's logits to the mesh that a person gets: simplified, painted, in its place.

The networks know no colours; what is made of a seed has that seed's, so that several things can be
told apart. It must not know networks or jobs.
"""

from __future__ import annotations

import colorsys
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region
from numpy.typing import NDArray

from lightkiln.learned.placing import placed
from lightkiln.mesh.simplify import simplify
from lightkiln.ops.colors import linear_from_srgb

from .surface import SMOOTHING, surface

SATURATION, VALUE = 0.4, 0.85


def finished(
    logits: Float[NDArray[Any], "side side side"],
    region: Region,
    threshold: float,
    faces: int,
    color: Float[NDArray[Any], " 3"],
    smoothing: float = SMOOTHING,
) -> TriangleMesh:
    """In world axes, of one linear colour; raises `NothingReconstructed` if nothing was drawn."""
    mesh = placed(simplify(surface(logits, threshold, smoothing), faces), region)
    colors = np.tile(color.astype(np.float32), (len(mesh.positions), 1))
    return replace(mesh, colors=colors)


def color_of(seed: int) -> Float[NDArray[Any], " 3"]:
    """A light colour, linear."""
    hue = float(np.random.default_rng(seed).random())
    return linear_from_srgb(np.array(colorsys.hsv_to_rgb(hue, SATURATION, VALUE)))
