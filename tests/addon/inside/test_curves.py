# SPDX-License-Identifier: GPL-3.0-or-later
"""The curves of a run: what is kept of them, and that their picture shows where they go."""

from __future__ import annotations

import numpy as np
from conftest import module


def test_a_curve_keeps_the_whole_run_in_bounded_space_and_forgets_what_was_undone() -> None:
    curves = module("curves")
    curve = curves.Curve()
    for step in range(5000):
        curve.add(float(step), 1.0 / (1 + step))
    assert len(curve.values) <= curves.MAX_POINTS
    assert (curve.seconds[0], curve.seconds[-1]) == (0.0, 4999.0)
    assert curve.seconds == sorted(curve.seconds)
    curve.add(100.5, 7.0)  # went back to a saved state
    assert (curve.seconds[-1], curve.values[-1]) == (100.5, 7.0)
    assert curve.seconds == sorted(curve.seconds)


def test_the_picture_of_a_curve_rises_and_falls_with_it() -> None:
    curves = module("curves")
    rising, falling = curves.Curve(), curves.Curve()
    for step in range(50):
        rising.add(float(step), 20.0 + 0.1 * step)
        falling.add(float(step), 10.0 ** (-0.1 * step))  # five decades: straight by its logarithm
    for curve, turn in ((rising, 1), (falling, -1)):
        picture = curves.drawn(curve)
        assert picture.shape == (curves.HEIGHT, curves.WIDTH, 4)
        inked = picture[..., 0] > 0.5
        heights = [rows.mean() for rows in map(np.flatnonzero, inked.T[:-1])]
        assert (turn * np.diff(heights) >= 0.0).all()
        line = np.linspace(heights[0], heights[-1], len(heights))
        assert np.abs(heights - line).max() < 2.0
    flat = curves.Curve([0.0, 1.0], [3.0, 3.0])
    assert np.isfinite(curves.drawn(flat)).all()
    assert np.isfinite(curves.drawn(curves.Curve())).all()
