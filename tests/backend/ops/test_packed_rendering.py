# SPDX-License-Identifier: GPL-3.0-or-later
"""Quadrature against closed forms."""

from __future__ import annotations

import math

import pytest
import torch
from lightkiln.ops.packed_rendering import packed_sum, packed_weights
from lightkiln.ops.volume_rendering import weights_of


@pytest.mark.parametrize("count", [1, 7, 400])
def test_a_slab_lets_through_what_beer_and_lambert_say(count: int) -> None:
    sigma, depth = 3.0, 0.7
    thickness = torch.full((count,), sigma * depth / count)
    weights, left = packed_weights(thickness, torch.zeros(count, dtype=torch.long), 1)
    assert float(left[0]) == pytest.approx(math.exp(-sigma * depth), rel=1e-5)
    assert float(weights.sum() + left[0]) == pytest.approx(1.0, abs=1e-5)


def test_a_color_that_changes_along_a_ray_is_its_integral() -> None:
    # C = int_0^1 sigma exp(-sigma t) t dt = (1 - (1 + sigma) exp(-sigma)) / sigma
    sigma, count = 2.0, 2000
    t = (torch.arange(count) + 0.5) / count
    ray = torch.zeros(count, dtype=torch.long)
    weights, _ = packed_weights(torch.full((count,), sigma / count), ray, 1)
    seen = packed_sum(weights, t[:, None], ray, 1)
    expected = (1.0 - (1.0 + sigma) * math.exp(-sigma)) / sigma
    assert float(seen[0, 0]) == pytest.approx(expected, rel=1e-4)


def test_packed_rays_are_rendered_like_rays_of_equal_length() -> None:
    draw = torch.Generator().manual_seed(0)
    thickness = torch.rand((5, 9), generator=draw, dtype=torch.float64) * 2.0
    counts = torch.tensor([9, 0, 4, 1, 0])  # rays may have no samples, the last one too
    kept = torch.arange(9) < counts[:, None]
    true, true_left = weights_of(-torch.where(kept, thickness, 0.0))
    packed = thickness[kept].clone().requires_grad_()
    ray = kept.nonzero()[:, 0]
    weights, left = packed_weights(packed, ray, 5)
    torch.testing.assert_close(weights, true[kept])
    torch.testing.assert_close(left, true_left)
    assert torch.autograd.gradcheck(lambda values: packed_weights(values, ray, 5), packed)


def test_a_ray_behind_a_thousand_opaque_ones_loses_nothing() -> None:
    thickness = torch.cat([torch.full((1000,), 1e3), torch.tensor([1e-4])])
    ray = torch.arange(1001)
    weights, left = packed_weights(thickness, ray, 1001)
    assert float(weights[-1]) == pytest.approx(1e-4, rel=1e-3)
    assert float(left[-1]) == pytest.approx(1.0 - 1e-4, rel=1e-6)
