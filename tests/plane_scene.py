# SPDX-License-Identifier: GPL-3.0-or-later
"""A textured slanted plane, seen by three cameras: everything about it is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lightkiln.stereo.views import GreyView
from lightkiln_shared.camera import Camera
from numpy.typing import NDArray
from synthetic import look_at

WIDTH, HEIGHT, FOCAL = 64, 48, 80.0
NORMAL = np.array([0.25, -0.2, 1.0]) / np.linalg.norm([0.25, -0.2, 1.0])
POSITIONS = ([0.1, -2.9, 0.6], [-0.6, -2.8, 0.5], [0.7, -2.7, 0.9])
_rng = np.random.default_rng(3)
_WAVES, _PHASES = _rng.normal(size=(40, 3)) * 9.0, _rng.uniform(0.0, 6.28, size=40)


@dataclass(frozen=True)
class PlaneScene:
    """The plane normal . x = 0 and what cameras see of it."""

    views: tuple[GreyView, ...]
    normal: NDArray[Any]

    def planes(self, view: int) -> NDArray[Any]:
        """The true (w, a, b) of every pixel (H, W, 3), from the intersection of rays."""
        camera = self.views[view].camera
        inverse = [1.0 / _depth(camera, self.normal, *shift) for shift in ((0, 0), (1, 0), (0, 1))]
        w, right, below = inverse
        return np.stack([w, right - w, below - w], axis=-1).astype(np.float32)


def make() -> PlaneScene:
    """Three views from 13 to 25 degrees apart."""
    normal = np.array([NORMAL[0], -NORMAL[2], NORMAL[1] + 0.3])
    normal /= np.linalg.norm(normal)
    return PlaneScene(tuple(_view(np.array(p), normal) for p in POSITIONS), normal)


def _view(position: NDArray[Any], normal: NDArray[Any]) -> GreyView:
    camera = Camera(
        world_from_camera=look_at(position, np.zeros(3)),
        focal=(FOCAL, FOCAL),
        principal_point=(WIDTH / 2, HEIGHT / 2),
        width=WIDTH,
        height=HEIGHT,
    )
    points = camera.centre + _depth(camera, normal)[..., None] * _rays(camera)
    grey = 0.5 + 0.06 * np.sin(points @ _WAVES.T + _PHASES).sum(axis=-1)
    return GreyView(camera=camera, grey=grey.astype(np.float32), mask=None)


def _rays(camera: Camera, right: float = 0.0, down: float = 0.0) -> NDArray[Any]:
    """World vectors of depth 1 through the pixels' centres, all moved by some pixels."""
    row, column = np.indices((HEIGHT, WIDTH)) + 0.5
    x = (column + right - camera.principal_point[0]) / FOCAL
    y = (row + down - camera.principal_point[1]) / FOCAL
    rotation = camera.world_from_camera[:3, :3]
    return np.asarray(np.stack([x, y, np.ones_like(x)], axis=-1) @ rotation.T)


def _depth(
    camera: Camera, normal: NDArray[Any], right: float = 0.0, down: float = 0.0
) -> NDArray[Any]:
    return np.asarray(-(camera.centre @ normal) / (_rays(camera, right, down) @ normal))
