# SPDX-License-Identifier: GPL-3.0-or-later
"""The last adjustment brings cameras nearer to the truth, whatever part of the matches is wrong."""

from __future__ import annotations

import numpy as np
from lightkiln.capture.colmap_library import pycolmap
from lightkiln.capture.sfm.polishing import polish
from still_life import similarity

NOISE, WRONG, PART = 0.3, 3.5, 0.1
"""Pixels of good matches, pixels of wrong ones, and how many are wrong."""


def centres(group: pycolmap.Reconstruction) -> np.ndarray:
    return np.array([group.images[i].projection_center() for i in sorted(group.reg_image_ids())])


def miss(group: pycolmap.Reconstruction, truth: np.ndarray) -> float:
    """Root mean square distance from the true centres after the best similarity."""
    scale, turn, shift = similarity(centres(group), truth)
    return float(np.sqrt(np.mean((scale * centres(group) @ turn.T + shift - truth) ** 2)))


def test_wrong_matches_pull_no_camera_away() -> None:
    pycolmap.set_random_seed(3)
    options = pycolmap.SyntheticDatasetOptions()
    options.num_points3D, options.num_rigs, options.num_frames_per_rig = 200, 1, 12
    group = pycolmap.synthesize_dataset(options)
    truth, draw = centres(group), np.random.default_rng(0)
    for image in group.images.values():
        for point in image.points2D:
            wrong = draw.random() < PART
            point.xy = point.xy + draw.normal(0.0, WRONG if wrong else NOISE, 2)
    plain = pycolmap.Reconstruction(group)
    pycolmap.bundle_adjustment(plain)
    polish(group)
    assert group.num_reg_images() == len(truth)
    assert miss(group, truth) < 0.6 * miss(plain, truth)
