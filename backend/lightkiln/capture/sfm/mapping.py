# SPDX-License-Identifier: GPL-3.0-or-later
"""Solves cameras and points from verified matches: COLMAP's incremental or global mapper.

Schönberger and Frahm, "Structure-from-motion revisited" (2016); Pan et al., "Global
structure-from-motion revisited" (2024). It must not know files or our cameras.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lightkiln.capture.colmap_library import pycolmap

from .features import NUM_THREADS, Database
from .solved import Watch

SMALLEST_GROUP = 3
"""Photographs; two have no third that could disagree."""


MIN_INLIERS, MIN_INLIER_RATIO, MAX_TRIALS = 15, 0.15, 6
"""Half of COLMAP's own and twice the trials: a photograph that joins two halves of a round often
has few points in common with either. 66 photographs of a skull then are one scene, not two."""


class _Enough(Exception):
    """The person wants the scene as it is."""


def incremental(database: Database, count: int, watch: Watch) -> list[Any]:
    """Solve by adding one photograph after another; the groups found, largest first."""
    options = pycolmap.IncrementalPipelineOptions()
    options.num_threads, options.random_seed = NUM_THREADS, watch.seed
    options.min_model_size, options.extract_colors = SMALLEST_GROUP, True
    options.image_path = str(database.images)
    options.mapper.abs_pose_min_num_inliers = MIN_INLIERS
    options.mapper.abs_pose_min_inlier_ratio = MIN_INLIER_RATIO
    options.mapper.max_reg_trials = MAX_TRIALS
    manager = pycolmap.ReconstructionManager()
    pipeline = pycolmap.IncrementalPipeline(options, database.colmap, manager)
    steps = watch.steps(count)
    kinds = pycolmap.IncrementalPipelineCallback
    for kind in (kinds.INITIAL_IMAGE_PAIR_REG_CALLBACK, kinds.NEXT_IMAGE_REG_CALLBACK):
        pipeline.add_callback(kind.value, lambda: _told(manager, steps, watch))
    try:
        pipeline.run()
    except _Enough:
        manager.get(manager.size() - 1).extract_colors_for_all_images(str(database.images))
    return _by_size([manager.get(index) for index in range(manager.size())])


def globally(database: Database, workspace: Path, watch: Watch) -> list[Any]:
    """Solve all at once: rotations, then positions."""
    options = pycolmap.GlobalPipelineOptions()
    options.num_threads, options.random_seed = NUM_THREADS, watch.seed
    found: list[Any] = []
    for _ in watch.steps(1):
        (workspace / "global").mkdir(exist_ok=True)
        groups = pycolmap.global_mapping(
            workspace / "database.db", database.images, workspace / "global", options
        )
        found = _by_size(list(groups.values()))
        for group in found[:1]:
            group.extract_colors_for_all_images(str(database.images))
            _record(group, watch)
    return found


def _by_size(groups: list[Any]) -> list[Any]:
    whole = [group for group in groups if group.num_reg_images() >= SMALLEST_GROUP]
    return sorted(whole, key=lambda group: (-group.num_reg_images(), -group.num_points3D()))


def _told(manager: Any, steps: Iterator[int], watch: Watch) -> None:
    """Between two photographs; a cancel passes through COLMAP as the exception that it is."""
    _record(manager.get(manager.size() - 1), watch)
    if next(steps, None) is None:
        raise _Enough


def _record(group: Any, watch: Watch) -> None:
    watch.record(
        registered=group.num_reg_images(),
        points=group.num_points3D(),
        reprojection_error=group.compute_mean_reprojection_error(),
    )
