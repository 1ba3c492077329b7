# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks start as the ball that they should be, and rays see it where it is."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from lightkiln.fields.neural_render import Bundle, Sampling, look
from lightkiln.fields.neural_surface import Design, GridDesign, NeuralSurface

RADIUS = 0.5
WAVES = Design(
    encoding=6,
    width=256,
    depth=8,
    skip=True,
    color_width=32,
    color_depth=1,
    world_width=16,
    world_depth=6,
    codes=3,
    num_photos=4,
    radius=RADIUS,
    sharpness=80.0,
    sharpness_gain=10.0,
    taps=0,
)
GRID = replace(
    WAVES,
    encoding=GridDesign(num_levels=4, coarsest=8, finest=64, log2_size=12, num_features=2),
    depth=1,
    skip=False,
    taps=4,
)
SAMPLING = Sampling(even=32, rounds=3, more=16, world=8)


def directions(count: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(5)
    return torch.nn.functional.normalize(torch.randn((count, 3), generator=draw), dim=-1)


def bundle(surface: NeuralSurface, origins: torch.Tensor, towards: torch.Tensor) -> Bundle:
    count = len(origins)
    return Bundle(
        origins=origins,
        directions=towards,
        codes=surface.codes.mean(dim=0).expand(count, -1),
        jitter=torch.full((count,), 0.5),
    )


@pytest.mark.parametrize("design", [WAVES, replace(WAVES, depth=4, skip=False), GRID])
def test_a_network_starts_as_a_ball(design: Design) -> None:
    surface, out = NeuralSurface(design, seed=0), directions(400)
    for radius in (0.1, 0.35, 0.5, 0.65, 0.9):
        error = (surface.distance(radius * out) - (radius - RADIUS)).detach()
        assert abs(float(error.mean())) < 0.12 - 0.1 * min(radius, 0.5)
        assert float(error.std()) < 0.02 + 0.18 * radius
    found = surface.geometry(0.6 * out)
    assert float((found.gradient * out).detach().sum(dim=-1).mean()) == pytest.approx(1.0, abs=0.15)


def test_a_numerical_gradient_of_a_small_step_is_the_networks_own() -> None:
    own, taps = (NeuralSurface(replace(WAVES, taps=taps), seed=1) for taps in (0, 6))
    own.double(), taps.double()
    taps.step, places = 1e-4, 0.7 * directions(50).double()
    torch.testing.assert_close(
        taps.geometry(places).gradient, own.geometry(places).gradient, atol=1e-3, rtol=1e-3
    )


def test_rays_stop_at_the_ball_and_see_the_world_beside_it() -> None:
    surface = NeuralSurface(replace(GRID, sharpness=400.0), seed=0)
    surface.step, out = 2.0 / 64.0, directions(200)
    hits = bundle(surface, -3.0 * out, out)
    seen = look(surface, hits, SAMPLING, 1.0, learning=False)
    assert float(seen.left.detach().mean()) < 0.02
    across = torch.nn.functional.normalize(torch.linalg.cross(out, out.roll(1, dims=1)), dim=-1)
    beside = look(surface, bundle(surface, -3.0 * out + 0.8 * across, out), SAMPLING, 1.0)
    past = look(surface, bundle(surface, -3.0 * out + 1.5 * across, out), SAMPLING, 1.0)
    assert float(beside.left.detach().mean()) > 0.95
    assert (past.left == 1.0).all()
    assert past.behind is not None
    assert torch.isfinite(past.behind).all()


def test_everything_is_reached_by_the_gradient() -> None:
    surface = NeuralSurface(GRID, seed=2)
    surface.step = 2.0 / 64.0
    with torch.no_grad():  # the weights of the grid's features start at 0 and hide its rows
        for each in surface.parameters():
            each += 1e-3 * torch.randn(each.shape, generator=torch.Generator().manual_seed(1))
    out = directions(64)
    seen = look(surface, bundle(surface, -2.0 * out, out), SAMPLING, 0.5)
    assert seen.laplacian is not None
    assert seen.behind is not None
    total = seen.color.sum() + seen.behind.sum() + seen.laplacian.abs().mean()
    (total + seen.gradient.norm(dim=-1).sum()).backward()
    for name, each in surface.named_parameters():
        assert each.grad is not None, name
        assert torch.isfinite(each.grad).all(), name
        assert float(each.grad.abs().max()) > 0.0, name


def test_the_sharpness_is_what_was_told() -> None:
    surface = NeuralSurface(WAVES, seed=0)
    assert surface.sharpness.item() == pytest.approx(80.0, rel=1e-4)
    surface.set_sharpness(math.e**6)
    assert surface.sharpness.item() == pytest.approx(math.e**6, rel=1e-4)
