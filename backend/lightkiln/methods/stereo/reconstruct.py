# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: posed views to a fused signed distance, that to a coloured mesh.

It must not know how depths are found: that is `lightkiln.stereo`.
"""

from __future__ import annotations

from lightkiln_shared.geometry import TriangleMesh

from lightkiln.capture.inputs import Inputs
from lightkiln.methods.spec import Run
from lightkiln.stereo import measured, surface
from lightkiln.stereo.estimate import StereoSettings, estimate

from . import Params

STEREO_SHARE = 0.9


def reconstruct(inputs: Inputs, params: Params, run: Run) -> TriangleMesh:
    """Return the surface that the depth maps agree on, coloured from the photographs."""
    settings = StereoSettings(
        resolution=params.resolution,
        max_side=params.max_side,
        num_planes=params.num_planes,
        num_sources=params.num_sources,
        rounds=params.rounds,
        least_views=params.least_views,
    )
    result = estimate(inputs, settings, run, share=STEREO_SHARE)
    told = None if run.finishing else measured.warning(result.grid)
    if told is not None:
        run.warn(told)
    with run.phase("mesh", share=1.0 - STEREO_SHARE):
        return surface.finished(result.grid, inputs.views, params.faces)
