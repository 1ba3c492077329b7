# SPDX-License-Identifier: GPL-3.0-or-later
"""A blurred photograph and a wrongly exposed one are named among good ones, and only they are."""

from __future__ import annotations

import numpy as np
from lightkiln.capture.inputs import LoadedView
from lightkiln.capture.quality import exposure, quality_warnings, sharpness
from lightkiln_shared.camera import Camera
from scipy.ndimage import gaussian_filter

CAMERA = Camera(
    world_from_camera=np.eye(4),
    focal=(64.0, 64.0),
    principal_point=(32.0, 24.0),
    width=64,
    height=48,
)


def _view(name: str, grey: np.ndarray, mask: np.ndarray | None = None) -> LoadedView:
    image = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
    return LoadedView(name=name, camera=CAMERA, image=image, mask=mask)


def _texture(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0.0, 1.0, (48, 64))
    return 120.0 + 60.0 * gaussian_filter(noise, 0.7)


def test_only_what_is_unlike_the_rest_is_named() -> None:
    views = [_view(f"{index}.jpg", _texture(index)) for index in range(8)]
    assert quality_warnings(views) == []
    views[2] = _view("2.jpg", gaussian_filter(_texture(2), 2.0))
    views[5] = _view("5.jpg", 0.55 * _texture(5))
    assert quality_warnings(views) == [
        "Blurred beside the others: 2.jpg.",
        "More than a stop darker than most: 5.jpg.",
    ]


def test_the_measures_are_what_their_formulas_say_and_look_at_the_object_alone() -> None:
    ramp = np.tile(np.arange(64.0), (48, 1))
    assert sharpness(_view("ramp", ramp)) < 1e-3, "a plane has no Laplacian"
    checks = 100.0 * ((np.arange(48)[:, None] + np.arange(64)) % 2)
    assert np.isclose(sharpness(_view("checks", checks)), 400.0**2, rtol=1e-3)  # -400 and 400
    grey = np.full((48, 64), 255.0)
    grey[:, :32] = 0.0
    mask = (grey > 0).astype(np.float32)
    assert np.isclose(exposure(_view("half", grey)), -1.0)
    assert np.isclose(exposure(_view("half", grey, mask)), 0.0)
