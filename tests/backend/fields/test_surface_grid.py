# SPDX-License-Identifier: GPL-3.0-or-later
"""A solid on a lattice, looked at: against a ball met by its formula."""

from __future__ import annotations

import math

import pytest
import torch
from lightkiln.fields import surface_render
from lightkiln.fields.surface_grid import SurfaceGrid, ball_grid, lattice_points
from lightkiln.fields.surface_render import SurfaceSolid
from lightkiln.priors.manifest import Style
from lightkiln.priors.prior import Viewpoints
from lightkiln.testing_prior import COLOR, LIGHT, RADIUS, ball_pictures
from lightkiln.training.lamps import lamps_for
from lightkiln.training.prompt_render import Rendering, rendered
from lightkiln.training.viewing import cameras_at
from torch import Tensor

SIZE = 32
PIXEL = 2.0 * 2.7 * math.tan(0.38) / SIZE
"""What a pixel covers at the middle, radii."""


def around(count: int) -> Viewpoints:
    return Viewpoints(
        azimuth=torch.arange(count) * 2.0,
        elevation=torch.linspace(-0.2, 1.0, count),
        distance=torch.full((count,), 2.7),
        fov=torch.full((count,), 0.76),
    )


def red_ball(side: int = 64) -> SurfaceSolid:
    grid = ball_grid(side, RADIUS)
    grid.albedo.data[:] = torch.tensor(COLOR)
    return SurfaceSolid(grid, sharpness=2.0 / PIXEL)


def seen(solid: SurfaceSolid, style: Style, views: Viewpoints, size: int = SIZE) -> Rendering:
    draw = torch.Generator().manual_seed(0)
    cameras = cameras_at(views)
    return rendered(solid, cameras, lamps_for(LIGHT, True, cameras, draw), style, size, draw)


@pytest.mark.parametrize("style", list(Style))
def test_a_ball_is_seen_as_its_formula_says(style: Style) -> None:
    views = around(3)
    true = ball_pictures(views, style, SIZE)
    missed = seen(red_ball(), style, views).with_alpha.detach() - true
    assert missed.square().mean().sqrt() < 0.06
    near_edge = torch.nn.functional.max_pool2d(1.0 - true[:, 3:], 5, stride=1, padding=2) > 0.0
    assert (missed * ~near_edge).abs().amax() < 0.03  # shading, not resolution
    assert missed[:, 3].mean().abs() < 0.004  # the edge stands where it should


def test_how_much_is_let_through_is_what_the_nearest_approach_says() -> None:
    """1 - Phi(f_min) = 1 / (1 + exp(s f_min)), however the samples fall."""
    solid, views = red_ball(), around(2)
    shown = seen(solid, Style.ALBEDO, views)
    along = (shown.rays.origins * shown.rays.directions).sum(dim=-1)
    nearest = (shown.rays.origins.square().sum(dim=-1) - along**2).sqrt() - RADIUS
    outside = nearest > 0.0
    expected = torch.sigmoid(-solid.sharpness * nearest[outside])
    opacity = shown.opacity.reshape(-1)[outside]
    torch.testing.assert_close(opacity, expected, atol=0.03, rtol=0.0)


def test_opacity_and_colours_do_not_depend_on_where_samples_start() -> None:
    views, solid = around(1), red_ball()
    cameras = cameras_at(views)
    pictures = []
    for seed in range(2):
        draw = torch.Generator().manual_seed(seed)
        lamps = lamps_for(LIGHT, True, cameras, draw)
        pictures.append(rendered(solid, cameras, lamps, Style.SHADED, SIZE, draw).with_alpha)
    assert (pictures[0] - pictures[1]).abs().mean() < 0.005


@pytest.mark.parametrize("style", [Style.SHADED, Style.TEXTURELESS])
def test_what_flows_back_is_what_finite_differences_say(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surface_render, "BAND", 18.0)  # no sample that counts comes or goes
    draw = torch.Generator().manual_seed(1)
    solid, views = red_ball(24), around(2)
    pull = torch.randn((2, 4, SIZE, SIZE), generator=draw)

    def value() -> Tensor:
        return (seen(solid, style, views).with_alpha * pull).sum()

    value().backward()
    for leaf, step in ((solid.grid.distance, 1e-3), (solid.grid.albedo, 1e-2)):
        along = torch.randn(leaf.shape, generator=draw)
        assert leaf.grad is not None
        expected = float((leaf.grad * along).sum())
        with torch.no_grad():
            leaf += step * along
            above = float(value())
            leaf -= 2.0 * step * along
            below = float(value())
            leaf += step * along
        found = (above - below) / (2.0 * step)
        assert found == pytest.approx(expected, rel=0.05, abs=0.02 * float(pull.norm()))


def test_a_solid_that_would_leave_the_ball_ends_within_it() -> None:
    full = SurfaceGrid(torch.full((24,) * 3, -1.0), torch.full((24, 24, 24, 3), 0.5))
    shown = seen(SurfaceSolid(full, sharpness=60.0), Style.ALBEDO, around(1))
    assert shown.opacity[0, 0, SIZE // 2, SIZE // 2] > 0.99
    assert (full.bounded().reshape(-1)[lattice_points(24).norm(dim=-1) > 0.99] > 0.0).all()


def test_another_lattice_holds_the_same_solid() -> None:
    coarse = ball_grid(32, 0.5)
    with torch.no_grad():
        coarse.distance *= 1.7  # no true distance any more
        coarse.albedo[..., 0] = lattice_points(32).reshape(32, 32, 32, 3)[..., 2] * 0.5 + 0.5
    fine = coarse.finer(48)
    x = lattice_points(48)
    near = (x.norm(dim=-1) - 0.5).abs() < 0.2
    read = fine.read(x[near], slopes=True)
    assert (read.distance - (x[near].norm(dim=-1) - 0.5)).abs().max() < 0.25 * coarse.voxel
    assert (read.albedo[:, 0] - (x[near][:, 2] * 0.5 + 0.5)).abs().max() < 0.01
    assert read.slope is not None
    assert (read.slope.norm(dim=-1).mean() - 1.0).abs() < 0.03
