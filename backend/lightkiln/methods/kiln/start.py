# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run of kiln begins: from stereo's signed distance, or from where it was interrupted.

It must not know how a step is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from lightkiln_shared.errors import NothingReconstructed
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.band import Band, from_grid, lattice_points, to_grid
from lightkiln.fields.rebanding import REACH, rebanded
from lightkiln.mesh.clean import without_specks
from lightkiln.mesh.extract import extract
from lightkiln.ops.bricks import BrickGrid
from lightkiln.ops.colors import srgb_from_linear
from lightkiln.ops.kernels.arrays import TERMS
from lightkiln.stereo.vertex_colors import colored
from lightkiln.training.backdrop import Backdrop
from lightkiln.training.exposure import Exposure
from lightkiln.training.photos import footprint
from lightkiln.training.schedule import Level

from . import Params
from .course import Course, band_from

FINEST = 0.7
"""Voxels are not made smaller than this part of a pixel: nothing could be seen in them."""
REFINING = 1.6
"""Ratio of the voxels of two levels."""


def from_stereo(grid: BrickGrid, inputs: Inputs, params: Params) -> Course:
    """Begin with the surface that stereo found, painted; raises `NothingReconstructed`."""
    fine = from_grid(grid)
    points = lattice_points(fine.table)[np.abs(fine.distance) < 1.0]
    if len(points) == 0:
        raise NothingReconstructed(
            "Stereo found no surface in the region.",
            hint="Check that the region holds the object and that several cameras see it.",
        )
    size = float(np.ptp(points, axis=0).max()) * fine.voxel
    pixel = footprint(inputs.views, fine.origin + fine.voxel * points.mean(axis=0))
    levels = _levels(size, pixel, params)
    band = rebanded(fine, levels[0].voxel)
    _paint(band, inputs)
    return Course(
        levels=levels,
        band=band,
        exposure=Exposure(len(inputs.views)),
        backdrop=None,
        ready=True,
    )


def from_checkpoint(state: Mapping[str, NDArray[Any]], inputs: Inputs) -> Course:
    """Go on where the state was saved."""
    level, step, ready = (int(value) for value in state["place"])
    band = band_from(state)
    return Course(
        levels=tuple(
            Level(voxel=float(voxel), share=float(share))
            for voxel, share in zip(state["voxels"], state["shares"], strict=True)
        ),
        band=band,
        exposure=Exposure(len(inputs.views), state["gains"].copy()),
        backdrop=Backdrop(state["backdrop"].copy()) if "backdrop" in state else None,
        level=level,
        step=step,
        sharpness=float(state["sharpness"]),
        ready=bool(ready),
    )


def _levels(size: float, pixel: float, params: Params) -> tuple[Level, ...]:
    """From coarse to fine; an object of `size` metres, of which a pixel covers `pixel`."""
    finest = max(size / params.resolution, FINEST * pixel)
    costs = [REFINING ** (2 * index) for index in range(params.levels)]
    return tuple(
        Level(voxel=finest * REFINING ** (params.levels - 1 - index), share=cost / sum(costs))
        for index, cost in enumerate(costs)
    )


def _paint(band: Band, inputs: Inputs) -> None:
    """Give every point the colour of the nearest surface point, as the photographs show it."""
    mesh = colored(without_specks(extract(to_grid(band))), inputs.views)
    assert mesh.colors is not None
    near = np.flatnonzero(np.abs(band.distance) < REACH)
    points = band.origin + band.voxel * lattice_points(band.table)[near]
    _, vertex = cKDTree(mesh.positions).query(points, workers=-1)
    band.color[near[:, None], np.arange(0, band.color.shape[1], TERMS)] = srgb_from_linear(
        mesh.colors
    )[vertex]
