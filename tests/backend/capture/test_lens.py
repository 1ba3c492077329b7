# SPDX-License-Identifier: GPL-3.0-or-later
"""Undistortion against a picture that is a known function of the ray's direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from lightkiln.capture.lens import fitted, resample, undistorted
from lightkiln_shared.camera import Camera, distort
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray

PINHOLE = Camera(
    world_from_camera=np.eye(4),
    focal=(150.0, 140.0),
    principal_point=(83.0, 57.0),
    width=160,
    height=120,
)
LENSES = {
    "barrel": (-0.2, 0.03),
    "pincushion": (0.15,),
    "tilted": (0.05, 0.0, 0.01, -0.008),
    "all": (-0.1, 0.05, 0.002, 0.003, -0.01),
}


def scenery(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 + 0.25 * np.sin(9.0 * x + 2.0) + 0.25 * np.cos(8.0 * y - 5.0 * x)


def directions(camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(x, y) on the plane z = 1 for every pixel; the lens is inverted by fixed-point steps."""
    u, v = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
    x_lens = (u - camera.principal_point[0]) / camera.focal[0]
    y_lens = (v - camera.principal_point[1]) / camera.focal[1]
    x, y = x_lens, y_lens
    for _ in range(100):
        moved_x, moved_y = distort(camera.distortion, x, y)
        x, y = x + x_lens - moved_x, y + y_lens - moved_y
    return x, y


@pytest.mark.parametrize("lens", LENSES)
def test_the_undistorted_picture_is_what_a_pinhole_would_have_seen(lens: str) -> None:
    camera = replace(PINHOLE, distortion=LENSES[lens])
    pinhole = undistorted(camera, "view")
    assert pinhole.distortion == ()
    photo = scenery(*directions(camera)).astype(np.float32)
    moved = resample(photo, camera, pinhole)
    # Two bilinear cells of 1/140 at a curvature of some 40: h² f'' / 8 and the border's half pixel.
    np.testing.assert_allclose(moved, scenery(*directions(pinhole)), atol=0.012)
    inner = np.abs(moved - scenery(*directions(pinhole)))[2:-2, 2:-2]
    assert inner.max() < 1.5e-3


def test_bytes_stay_bytes_and_a_pinhole_stays_itself() -> None:
    camera = replace(PINHOLE, distortion=LENSES["barrel"])
    flat = np.full((120, 160), 201, dtype=np.uint8)
    moved = resample(flat, camera, undistorted(camera, "view"))
    assert moved.dtype == np.uint8
    assert (moved == 201).all()
    assert undistorted(PINHOLE, "view").focal == PINHOLE.focal


def test_a_lens_that_folds_is_refused_by_name() -> None:
    with pytest.raises(InvalidScene, match=r"photo\.jpg"):
        undistorted(replace(PINHOLE, focal=(60.0, 60.0), distortion=(-5.0,)), "photo.jpg")


def test_a_resized_photo_gets_its_camera_and_a_cropped_one_an_error() -> None:
    half = fitted(PINHOLE, 80, 60, "view")
    assert half.focal == (75.0, 70.0)
    assert half.principal_point == (41.5, 28.5)
    for size in ((120, 160), (150, 120)):
        with pytest.raises(InvalidScene, match=r"photo\.jpg has"):
            fitted(PINHOLE, *size, "photo.jpg")
