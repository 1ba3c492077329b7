# SPDX-License-Identifier: GPL-3.0-or-later
"""The last adjustment of a solved group: all cameras and points at once, by what fits best.

While photographs are added, a match may lie pixels beside: only so those with little in common find
each other. In the end such matches pull cameras away from where they were. Cauchy's loss makes them
count less, and those that stay far off are left out (Triggs et al., "Bundle adjustment", 1999).
It must not know files or how the group was found.
"""

from __future__ import annotations

from typing import Any

from lightkiln.capture.colmap_library import pycolmap

from .features import NUM_THREADS

SOFTNESS = 0.5
"""Pixels as matched: where SIFT places a feature by itself."""
FARTHEST = (3.0, 2.0)
"""Pixels: what is farther from its point after a round is left out."""
LEAST_ANGLE = 1.5
"""Degrees between rays to a point; COLMAP's own."""
MOST_STEPS = 50


def polish(group: Any) -> None:
    """Adjust the group in place; no photograph is lost."""
    options = pycolmap.BundleAdjustmentOptions()
    options.print_summary = False
    options.ceres.loss_function_type = pycolmap.LossFunctionType.CAUCHY
    options.ceres.loss_function_scale = SOFTNESS
    options.ceres.solver_options.max_num_iterations = MOST_STEPS
    options.ceres.solver_options.num_threads = NUM_THREADS
    for farthest in FARTHEST:
        pycolmap.bundle_adjustment(group, options)
        pycolmap.ObservationManager(group).filter_all_points3D(farthest, LEAST_ANGLE)
    group.update_point_3d_errors()
