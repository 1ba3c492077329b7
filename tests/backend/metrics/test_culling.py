# SPDX-License-Identifier: GPL-3.0-or-later
"""Silhouettes dilated and looked up, against skimage's disc and against geometry by hand."""

from __future__ import annotations

import numpy as np
from lightkiln.metrics.culling import allowed, dilated, stays
from lightkiln_shared.camera import Camera
from scipy.ndimage import binary_dilation
from skimage.morphology import disk

CAMERA = Camera(
    world_from_camera=np.eye(4),
    focal=(100.0, 100.0),
    principal_point=(50.0, 40.0),
    width=100,
    height=80,
)


def test_the_disc_is_the_one_of_24_pixels() -> None:
    mask = np.zeros((90, 120), dtype=bool)
    mask[40:44, 50:70] = mask[80, 5] = True
    np.testing.assert_array_equal(dilated(mask), binary_dilation(mask, disk(24)))
    assert not dilated(np.zeros((30, 30), dtype=bool)).any()


def test_a_point_stays_on_the_mask_outside_the_image_or_behind_the_camera() -> None:
    mask = np.zeros((80, 100), dtype=bool)
    mask[:, 60:] = True  # x >= 0.1 at a distance of 1
    cases = {
        (0.11, 0.0, 1.0): True,
        (0.09, 0.0, 1.0): False,
        (0.22, 0.0, 2.0): True,
        (0.49, 0.39, 1.0): True,
        (-0.49, -0.39, 1.0): False,
        (-0.51, 0.0, 1.0): True,  # left of the image
        (0.0, 0.41, 1.0): True,  # below it
        (0.0, 0.0, -1.0): True,
        (0.0, 0.0, 0.0): True,
        (1e30, 1e30, 1e-30): True,
    }
    got = allowed(np.array(list(cases)), CAMERA, mask)
    assert dict(zip(cases, got.tolist(), strict=True)) == cases


def test_every_view_must_allow_it() -> None:
    left, right = np.zeros((80, 100), dtype=bool), np.zeros((80, 100), dtype=bool)
    left[:, :46] = right[:, 54:] = True  # dilated to 70 and from 30
    points = np.array([[-0.25, 0.0, 1.0], [0.0, 0.0, 1.0], [0.25, 0.0, 1.0]])
    kept = stays(points, iter([(CAMERA, left), (CAMERA, right)]))
    assert kept.tolist() == [False, True, False]
