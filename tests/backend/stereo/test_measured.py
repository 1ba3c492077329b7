# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a surface was measured is counted at the surface alone."""

from __future__ import annotations

import numpy as np
import pytest
from lightkiln.ops.bricks import BrickGrid, from_dense
from lightkiln.stereo import measured

VOXEL = 0.05


def ball(measured_below: float) -> BrickGrid:
    """A ball of radius 0.7 whose surface was measured where z is less than a height, metres."""
    axis = np.arange(-20, 21) * VOXEL
    points = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    distance = np.linalg.norm(points, axis=-1) - 0.7
    confidence = np.where(points[..., 2] < measured_below, 0.4, 0.0)
    confidence[distance > VOXEL] = 0.4  # what is said of the air does not count
    values = np.stack([distance, confidence], axis=-1)
    return from_dense(values, np.abs(distance) < 4 * VOXEL, np.full(3, -1.0), VOXEL)


@pytest.mark.parametrize("height", [-0.35, 0.0, 0.35])
def test_the_share_is_that_of_the_cap(height: float) -> None:
    """Archimedes: of a sphere's area, the part below z is (1 + z / r) / 2."""
    true = (1.0 + height / 0.7) / 2.0
    assert measured.share(ball(height)) == pytest.approx(true, abs=0.04)


def test_only_little_is_worth_a_warning() -> None:
    assert measured.warning(ball(0.1)) is None
    told = measured.warning(ball(-0.5))
    assert told is not None
    assert told.startswith("The photographs agree on 1")
