# SPDX-License-Identifier: GPL-3.0-or-later
"""How often what is drawn may change: by how late a timer comes."""

from __future__ import annotations

import pytest
from conftest import module

PACE = module("pace")
TICK = 0.05
SECONDS = 120.0


@pytest.mark.parametrize("drawing", [0.0, 0.02, 0.3, 3.0])
def test_drawing_takes_its_share_and_no_more(drawing: float) -> None:
    """A change at every call that allows one; each holds the calls up while it is drawn."""
    pace, now, due, changes = PACE.Pace(), 0.0, 0.0, 0
    while now < SECONDS:
        pace.came(due, now)
        late = 0.0
        if pace.is_at_ease(now):
            pace.began(now)
            changes, late = changes + 1, drawing
        due = now + TICK
        now = due + late
    spent = changes * drawing
    assert spent <= PACE.EASE * SECONDS + drawing
    least = SECONDS / max(TICK, drawing / PACE.EASE + TICK)
    assert changes >= 0.9 * least  # it need not wait longer than that


def test_one_long_operation_is_no_reason_for_a_long_pause() -> None:
    pace = PACE.Pace()
    pace.came(0.0, 600.0)
    pace.began(600.0)
    pace.came(600.0, 1200.0)
    assert not pace.is_at_ease(601.0)
    assert pace.is_at_ease(600.0 + PACE.LONGEST / PACE.EASE)
