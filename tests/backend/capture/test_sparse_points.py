# SPDX-License-Identifier: GPL-3.0-or-later
"""Points that photographs agree on lie on the surface that was photographed."""

from __future__ import annotations

import numpy as np
from lightkiln.capture.inputs import LoadedView
from lightkiln.capture.sparse_points import triangulated
from still_life import BOXES, StillLife, around


def test_points_lie_on_the_boxes_and_the_table() -> None:
    things = StillLife()
    views = [
        LoadedView(name=str(index), camera=camera, image=things.photograph(camera), mask=None)
        for index, camera in enumerate(around(5, turn=0.6))
    ]
    points = triangulated(views)
    assert len(points) > 300
    distance = np.abs(points[:, 2])
    for low, high in BOXES:
        outside = np.maximum(np.maximum(low - points, points - high), 0.0)
        inside = np.minimum(points - low, np.array(high) - points).min(axis=1)
        to_box = np.where(inside > 0.0, inside, np.linalg.norm(outside, axis=1))
        distance = np.minimum(distance, to_box)
    # A pixel covers 7 mm there.
    assert np.median(distance) < 0.007
    assert np.quantile(distance, 0.95) < 0.03


def test_views_that_show_nothing_give_no_points() -> None:
    grey = np.full((240, 320, 3), 128, dtype=np.uint8)
    views = [
        LoadedView(name=str(index), camera=camera, image=grey, mask=None)
        for index, camera in enumerate(around(3, turn=0.4))
    ]
    assert len(triangulated(views)) == 0
