# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a prompt's steps look from: within what the prior knows, evenly, and the same again."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from lightkiln.ops.chance import generator_of
from lightkiln.priors.manifest import Style
from lightkiln.testing_prior import MANIFEST
from lightkiln.training.prompt_views import (
    drawn_style,
    drawn_viewpoints,
    four_sides,
)
from lightkiln.training.references import framed
from lightkiln.training.viewing import cameras_at, rays_of, shaken

WIDE = replace(MANIFEST, distance=(2.0, 4.0), fov=(0.5, 1.0), elevation=(-0.5, 1.4))


def test_viewpoints_lie_within_what_the_prior_knows_and_on_all_sides() -> None:
    views = drawn_viewpoints(WIDE, 400, generator_of(0))
    for name in ("elevation", "distance", "fov"):
        low, high = getattr(WIDE, name)
        values = getattr(views, name)
        assert low <= float(values.min()) < low + 0.1 * (high - low)
        assert high - 0.1 * (high - low) < float(values.max()) <= high
    sectors = (views.azimuth / (2.0 * math.pi / 400)).floor()
    np.testing.assert_array_equal(sectors, np.arange(400))


def test_a_prior_of_four_views_is_shown_four_in_a_row_a_quarter_turn_apart() -> None:
    views = drawn_viewpoints(replace(WIDE, views=4), 8, generator_of(1))
    turns = views.azimuth.reshape(2, 4).diff(dim=1)
    torch.testing.assert_close(turns, torch.full((2, 3), 0.5 * math.pi))
    for values in (views.elevation, views.distance, views.fov):
        assert values.reshape(2, 4).std(dim=1).max() == 0.0


def test_the_front_is_on_the_side_of_minus_y_and_the_right_on_that_of_x() -> None:
    places = cameras_at(four_sides(MANIFEST)).places
    assert places[0, 1] < -2.0
    assert places[1, 0] > 2.0
    assert places[2, 1] > 2.0
    assert (places[:, 2] > 0.0).all()


def test_rays_go_through_the_pixels_of_an_upright_camera() -> None:
    cameras = cameras_at(drawn_viewpoints(WIDE, 5, generator_of(2)))
    rays = rays_of(cameras, 9, torch.zeros(5 * 81))
    directions = rays.directions.reshape(5, 9, 9, 3)
    to_middle = torch.nn.functional.normalize(-cameras.places, dim=-1)
    torch.testing.assert_close(directions[:, 4, 4], to_middle)
    assert (directions[:, 0, 4, 2] > directions[:, 8, 4, 2]).all()  # the first row looks up
    across = (directions[:, 4, 8] - directions[:, 4, 0]) @ torch.tensor([0.0, 0.0, 1.0])
    assert across.abs().max() < 1e-6
    half = torch.arccos((directions[:, 4, 4] * directions[:, 4, 0]).sum(dim=-1)).tan()
    torch.testing.assert_close(half, cameras.half * 8.0 / 9.0, rtol=1e-4, atol=0.0)


def test_shaken_cameras_are_cameras_still_and_near() -> None:
    cameras = cameras_at(drawn_viewpoints(WIDE, 50, generator_of(3)))
    moved = shaken(cameras, generator_of(4), 0.1)
    eye = moved.axes @ moved.axes.transpose(1, 2)
    torch.testing.assert_close(eye, torch.eye(3).expand(50, 3, 3), atol=1e-5, rtol=0.0)
    assert torch.linalg.det(moved.axes).min() > 0.99
    assert (moved.places - cameras.places).abs().max() <= 0.1 + 1e-6
    assert (moved.axes[:, 2] * cameras.axes[:, 2]).sum(dim=-1).min() > 0.9


def test_styles_come_in_their_shares_and_only_known_ones() -> None:
    drawn = [drawn_style(MANIFEST, 0.5, 0.2, generator_of(5, step)) for step in range(800)]
    assert drawn.count(Style.ALBEDO) / 800 == pytest.approx(0.25, abs=0.05)
    assert drawn.count(Style.SHADED) / 800 == pytest.approx(0.375, abs=0.05)
    early = {drawn_style(MANIFEST, 0.1, 0.2, generator_of(5, step)) for step in range(20)}
    assert early == {Style.ALBEDO}
    lit = replace(MANIFEST, styles=(Style.SHADED,))
    assert {drawn_style(lit, 0.0, 0.2, generator_of(6, step)) for step in range(9)} == {
        Style.SHADED
    }


def test_an_image_is_framed_about_what_it_shows() -> None:
    image = np.zeros((90, 200, 4), dtype=np.uint8)
    image[40:80, 130:190] = (255, 0, 128, 255)
    seen = framed(image, 64)
    rows, columns = (seen[3] > 0.5).nonzero(as_tuple=True)
    assert int(columns.max() - columns.min()) + 1 == pytest.approx(0.7 * 64, abs=2)
    assert int(rows.max() - rows.min()) + 1 == pytest.approx(0.7 * 64 * 40 / 60, abs=2)
    assert abs(float(columns.float().mean()) - 31.5) <= 1.0
    torch.testing.assert_close(seen[:3, 32, 32], torch.tensor([1.0, 0.0, 128 / 255]))
    assert not framed(np.zeros((9, 9, 4), dtype=np.uint8), 16).any()
