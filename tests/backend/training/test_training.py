# SPDX-License-Identifier: GPL-3.0-or-later
"""Exposures and backdrops are found again; schedules end where they say."""

from __future__ import annotations

import numpy as np
import pytest
from lightkiln.ops.kernels.arrays import Targets, empty_outcome
from lightkiln.training.backdrop import CELLS, Backdrop
from lightkiln.training.exposure import Exposure
from lightkiln.training.schedule import SHARPNESS, Clock, Weights, num_steps, pace


def test_the_exposures_of_photographs_are_found() -> None:
    draw = np.random.default_rng(0)
    true = draw.uniform(0.7, 1.3, size=(5, 3))
    true /= true.mean(axis=0)
    exposure = Exposure(5)
    views, out = np.repeat(np.arange(5), 4000), empty_outcome(20_000)
    out.color[:] = draw.random((20_000, 3))
    nothing = np.zeros_like(out.color)
    targets = Targets(true[views] * out.color, nothing, nothing[:, 0], nothing, 0.0)
    for _ in range(20):
        exposure.observe(views, out, targets)
    np.testing.assert_allclose(exposure.gains, true, atol=0.01)


def test_a_backdrop_learns_what_shows_through() -> None:
    draw = np.random.default_rng(1)
    backdrop = Backdrop(np.zeros((2, CELLS, CELLS, 3), dtype=np.float32))
    for _ in range(100):
        views, places = draw.integers(2, size=8000), draw.random((8000, 2))
        real = np.stack([places[:, 0], places[:, 1], 0.5 * views], axis=-1)
        out = empty_outcome(8000)
        out.transmittance[:] = 1.0
        nothing = np.zeros_like(out.color)
        targets = Targets(real, backdrop.look(views, places), nothing[:, 0], nothing, 0.0)
        backdrop.learn(views, places, out, targets)
    places = draw.uniform(0.1, 0.9, size=(500, 2))
    seen = backdrop.look(np.ones(500, dtype=np.int64), places)
    np.testing.assert_allclose(seen[:, :2], places, atol=0.03)
    np.testing.assert_allclose(seen[:, 2], 0.5, atol=0.03)


def test_a_schedule_goes_from_end_to_end_and_time_hurries_it() -> None:
    weights = Weights(eikonal=1.0, curvature=1.0, anchor=1.0, opacity=1.0, patches=1.0, points=1.0)
    assert (pace(0.0, weights).sharpness, pace(1.0, weights).sharpness) == pytest.approx(SHARPNESS)
    assert pace(1.0, weights).weights.anchor == 0.0
    assert [Clock(100, 1e9).progress(step) for step in (0, 25)] == [0.0, 0.25]
    assert Clock(100, 0.0).progress(1) == 1.0
    assert num_steps(1000, 1.5, 400) == 4
