# SPDX-License-Identifier: GPL-3.0-or-later
"""Marching through cells against looking at every place; what a refresh keeps and forgets."""

from __future__ import annotations

import numpy as np
import torch
from lightkiln.fields.occupancy import Occupancy
from lightkiln.ops.kernels import occupancy_torch
from lightkiln.ops.ray_samples import ball_span
from torch import Tensor


def some_rays(count: int) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(1)
    origins = torch.randn((count, 3), generator=draw) * 1.5
    ends = torch.randn((count, 3), generator=draw) * 0.4
    directions = torch.nn.functional.normalize(ends - origins, dim=-1)
    directions[0], origins[0] = torch.tensor([0.0, 0.0, 1.0]), torch.tensor([0.1, 0.2, -3.0])
    return origins, directions, torch.rand(count, generator=draw)


def test_marching_finds_the_places_that_looking_everywhere_finds() -> None:
    cells = torch.rand((20, 20, 20), generator=torch.Generator().manual_seed(0)) < 0.1
    origins, directions, jitter = some_rays(300)
    near, far, _ = ball_span(origins, directions)
    t, ray = Occupancy(cells).march(origins, directions, near, far, jitter, 0.013)
    true_t, true_ray = occupancy_torch.march(cells, origins, directions, near, far, jitter, 0.013)
    # A place on a face may fall to either side of it by rounding.
    ours = set(zip(ray.tolist(), (t / 1e-3).round().int().tolist(), strict=True))
    true = set(zip(true_ray.tolist(), (true_t / 1e-3).round().int().tolist(), strict=True))
    assert len(true) > 3000
    assert len(ours ^ true) <= 0.002 * len(true)
    assert (ray.diff() >= 0).all()
    same = ray[1:] == ray[:-1]
    assert (t.diff()[same] > 0.0).all()


def a_ball(x: Tensor) -> Tensor:
    return torch.where(x.norm(dim=-1) < 0.5, 50.0, 0.0)


def test_a_ball_is_found_and_forgotten_when_it_goes() -> None:
    occupancy = Occupancy(torch.ones((16, 16, 16), dtype=torch.bool))
    for index in range(20):
        occupancy.refresh(a_ball, 0.01, np.random.default_rng(index))
    middles = (torch.arange(16) + 0.5) / 8.0 - 1.0
    radius = torch.stack(torch.meshgrid(middles, middles, middles, indexing="ij")).norm(dim=0)
    half_diagonal = 3.0**0.5 / 16.0
    assert occupancy.occupied[radius < 0.5 - half_diagonal].all()
    assert not occupancy.occupied[radius > 0.5 + half_diagonal].any()
    for index in range(100):
        occupancy.refresh(lambda x: x[:, 0] * 0.0 + 1e-9, 0.01, np.random.default_rng(index))
    assert float(occupancy.density.max()) < 50.0 * 0.95**99


def test_what_is_not_allowed_is_never_occupied() -> None:
    allowed = torch.zeros((8, 8, 8), dtype=torch.bool)
    allowed[2] = True
    occupancy = Occupancy(allowed)
    for index in range(20):
        occupancy.refresh(lambda x: x[:, 0] * 0.0 + 9.0, 0.1, np.random.default_rng(index))
    assert occupancy.occupied.equal(allowed)
