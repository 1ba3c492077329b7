# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: masks to a hull, the hull to a coloured mesh.

It must not know how a hull is carved: that is `stereo.hull`.
"""

from __future__ import annotations

import numpy as np
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import Inputs
from lightkiln.methods.spec import Run
from lightkiln.ops.bricks import from_dense
from lightkiln.stereo import hull, surface
from lightkiln.stereo.views import prepare

from . import Params

BAND = 2.0
"""Voxels about the surface that are kept: extraction looks at the cells it passes through only."""
COARSE_FACES = 30_000


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """Return the hull's surface, coloured from the photographs."""
    sizes = (params.resolution // 2, params.resolution)
    grid = None
    with run.phase("carving", share=0.7):
        views = [prepare(view, params.max_side) for view in inputs.views]
        for step in run.steps(len(sizes)):  # the coarse one is there at once, to be looked at
            place, distance = hull.enclose(views, inputs.region, sizes[step])
            near = np.abs(distance) < BAND * place.voxel
            grid = from_dense(distance[..., None], near, place.origin, place.voxel)
            run.preview_mesh(lambda grid=grid: surface.bare(grid, COARSE_FACES))  # type: ignore[misc]
    if grid is None:
        raise NothingReconstructed(
            "The run was told to finish before there was a surface.", hint="Give it a few seconds."
        )
    with run.phase("mesh", share=0.3):
        return surface.finished(grid, inputs.views, params.faces)
