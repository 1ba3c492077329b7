# SPDX-License-Identifier: GPL-3.0-or-later
"""Imported when a job starts: photographs to cameras, points and a region.

It must not know how cameras are found: that is `capture.sfm`.
"""

from __future__ import annotations

from lightkiln.capture.inputs import PhotoInputs
from lightkiln.capture.sfm.solve import Settings, solve
from lightkiln.capture.sfm.solved import Solved
from lightkiln.methods.spec import Run

from . import Params


def align(photos: PhotoInputs, params: Params, run: Run) -> Solved:
    """Find the cameras; raises `InvalidScene` that says what is wrong with the photographs."""
    settings = Settings(
        max_side=params.max_side,
        features=params.features,
        lens=params.lens.upper().replace("-", "_"),
        in_order=params.in_order,
        all_at_once=params.all_at_once,
    )
    return solve(photos.photos, photos.workspace, settings, run)
