# SPDX-License-Identifier: GPL-3.0-or-later
"""The earth mover's distance where it is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from lightkiln.metrics.transport import earth_movers


def test_a_moved_cloud_is_as_far_as_it_was_moved() -> None:
    a = np.random.default_rng(0).random((60, 3))
    order = np.random.default_rng(1).permutation(60)
    assert earth_movers(a, a[order]) == pytest.approx(0.0, abs=1e-12)
    assert earth_movers(a, a[order] + (3.0, 0.0, 4.0)) == pytest.approx(5.0)


def test_it_is_the_best_of_all_ways() -> None:
    draw = np.random.default_rng(0)
    a, b = draw.random((5, 3)), draw.random((5, 3))
    ways = [
        np.linalg.norm(a - b[list(order)], axis=1).mean()
        for order in itertools.permutations(range(5))
    ]
    assert earth_movers(a, b) == pytest.approx(min(ways))


def test_heaped_points_are_told() -> None:
    """Chamfer from the heap's side is nought."""
    spread = np.stack([np.arange(4.0), np.zeros(4), np.zeros(4)], axis=1)
    heap = np.repeat(spread[:1], 4, axis=0)
    assert earth_movers(heap, spread) == pytest.approx(1.5)
