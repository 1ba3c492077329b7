# SPDX-License-Identifier: GPL-3.0-or-later
"""Cameras around a thing see all of it, from where they say."""

from __future__ import annotations

import math

import numpy as np
import pytest
from lightkiln.mesh.rasterize import rasterize, shade
from lightkiln.mesh.turntable import ball_around, camera_around, portrait
from lightkiln_shared.camera import project
from lightkiln_shared.checks import check_camera
from lightkiln_shared.geometry import TriangleMesh
from synthetic import SyntheticScene


@pytest.mark.parametrize(
    ("azimuth", "stands"), [(0.0, (0, -1)), (0.5, (1, 0)), (1.0, (0, 1)), (1.5, (-1, 0))]
)
def test_the_front_is_on_minus_y_and_the_right_on_plus_x(
    azimuth: float, stands: tuple[int, int]
) -> None:
    camera = camera_around(np.zeros(3), 1.0, azimuth * math.pi, 0.0, 64)
    check_camera(camera, "it")
    np.testing.assert_allclose(camera.centre[:2] / np.linalg.norm(camera.centre), stands, atol=1e-9)
    pixels, depth = project(camera, np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]))
    assert depth.min() > 0.0
    np.testing.assert_allclose(pixels[0], (32.0, 32.0))
    assert pixels[1, 1] < 32.0  # what is above stands above


def test_a_ball_is_seen_whole_and_nearly_fills_the_picture(
    synthetic_scene: SyntheticScene,
) -> None:
    centre, radius = ball_around(synthetic_scene.mesh)
    camera = camera_around(centre, radius, 0.7, 0.3, 64)
    rays = np.random.default_rng(0).normal(size=(4000, 3))
    rays *= radius / np.linalg.norm(rays, axis=1, keepdims=True)
    pixels, _ = project(camera, centre + rays)
    assert 0.0 < pixels.min() < 4.0
    assert 60.0 < pixels.max() < 64.0
    seen = rasterize(synthetic_scene.mesh, camera).seen
    assert not (seen[0].any() or seen[-1].any() or seen[:, 0].any() or seen[:, -1].any())


def test_a_lamp_darkens_what_is_seen_at_an_angle_and_leaves_the_hue() -> None:
    corners = np.array([[-1, 0, -1], [1, 0, -1], [1, 0, 1], [-1, 0, 1]], dtype=np.float32)
    square = TriangleMesh(
        positions=corners,
        triangles=np.array([[0, 1, 2], [0, 2, 3]], dtype=np.int32),
        colors=np.tile(np.array([[0.5, 0.25, 0.0]], dtype=np.float32), (4, 1)),
    )
    front, aside = (
        shade(square, camera_around(np.zeros(3), 1.5, azimuth, 0.0, 32), lit=True)[16, 16]
        for azimuth in (0.0, 1.0)
    )
    assert front[0] > aside[0] > 0
    assert front[2] == aside[2] == 0
    assert portrait(square).shape == (128, 128, 4)
