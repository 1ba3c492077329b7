# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a run is, and how long it still takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightkiln.jobs.progress import Meter


def test_a_run_of_even_speed_knows_its_end() -> None:
    meter = Meter(started=100.0, before=7.0)
    now = 100.0
    for share, count in ((0.25, 10), (0.75, 30)):
        meter.begin_phase("p", share)
        meter.begin_steps(count)
        for _ in range(count):
            now += 1.0
            meter.step_done()
            told = meter.progress(now)
            assert told.fraction == pytest.approx((now - 100.0) / 40.0)
            assert told.seconds_left == pytest.approx(140.0 - now, abs=1e-9)
            assert told.elapsed == now - 93.0
        meter.end_phase()


def test_a_time_limit_bounds_what_is_left() -> None:
    meter = Meter(started=0.0, time_limit=10.0)
    assert meter.progress(4.0).seconds_left == pytest.approx(6.0)
    meter.begin_phase("p", 1.0)
    meter.begin_steps(100)
    for _ in range(10):
        meter.step_done()
    assert meter.progress(4.0).seconds_left == pytest.approx(6.0)
    assert meter.progress(12.0).seconds_left == 0.0


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.integers(0, 5), st.integers(0, 9)), max_size=8))
def test_the_fraction_never_falls_nor_leaves_its_range(
    phases: list[tuple[float, int, int]],
) -> None:
    meter = Meter(started=0.0)
    last = 0.0
    for share, count, done in phases:
        meter.begin_phase("p", share)
        meter.begin_steps(count)
        for _ in range(min(count, done)):
            meter.step_done()
            fraction = meter.progress(1.0).fraction
            assert last <= fraction <= 1.0
            last = fraction
        meter.end_phase()
    meter.finish()
    assert meter.progress(1.0).fraction == 1.0
    assert meter.progress(1.0).seconds_left == 0.0
