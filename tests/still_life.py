# SPDX-License-Identifier: GPL-3.0-or-later
"""A still life to be photographed without a word about the cameras: three boxes on a table, all
covered with fine blotches, by ray casting in numpy. The cameras are known to the test alone.

It must not know the code under test, beyond the types of `lightkiln_shared`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightkiln_shared.camera import Camera, distort
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter
from synthetic import look_at

WIDTH, HEIGHT, FOCAL = 320, 240, 300.0
TABLE = 1.2
"""Half the table's side, metres; its top is z = 0."""
BOXES = (
    ((-0.35, -0.3, 0.0), (0.05, 0.1, 0.45)),
    ((0.1, -0.2, 0.0), (0.45, 0.15, 0.25)),
    ((-0.2, 0.2, 0.0), (0.3, 0.5, 0.6)),
)
MIDDLE = np.array([0.0, 0.05, 0.2])
TEXELS = 512


def _blotches(seed: int) -> NDArray[Any]:
    """(TEXELS, TEXELS, 3) in [0, 1], periodic, with detail at every scale from 3 texels on."""
    rng = np.random.default_rng(seed)
    total = np.zeros((TEXELS, TEXELS, 3))
    for sigma in (1.5, 4.0, 10.0):
        noise = rng.normal(size=(TEXELS, TEXELS, 3))
        layer = gaussian_filter(noise, (sigma, sigma, 0), mode="wrap")
        total += layer / layer.std()
    return np.asarray(np.clip(0.5 + 0.14 * total, 0.0, 1.0))


def around(count: int, turn: float = 1.3, distance: float = 2.0) -> list[Camera]:
    """Cameras on an arc of so many radians, at two heights in turn, looking at the middle."""
    cameras = []
    for index in range(count):
        angle = turn * (index / max(count - 1, 1) - 0.5) - np.pi / 2
        rise = 0.45 if index % 2 else 0.65
        direction = np.array(
            [np.cos(angle) * np.cos(rise), np.sin(angle) * np.cos(rise), np.sin(rise)]
        )
        cameras.append(camera(look_at(MIDDLE + distance * direction, MIDDLE)))
    return cameras


def camera(pose: NDArray[Any], distortion: tuple[float, ...] = ()) -> Camera:
    """The camera that everything is photographed with."""
    return Camera(
        world_from_camera=pose,
        focal=(FOCAL, FOCAL),
        principal_point=(WIDTH / 2, HEIGHT / 2),
        width=WIDTH,
        height=HEIGHT,
        distortion=distortion,
    )


def similarity(source: NDArray[Any], target: NDArray[Any]) -> tuple[float, Any, Any]:
    """Scale, rotation and translation that bring points (N, 3) nearest to others (Umeyama 1991)."""
    middles = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middles[0], target - middles[1]
    u, d, vt = np.linalg.svd(b.T @ a)
    sign = np.diag([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    turn = u @ sign @ vt
    scale = float((d * np.diag(sign)).sum() / (a**2).sum())
    return scale, turn, middles[1] - scale * turn @ middles[0]


class StillLife:
    """The things on the table; another seed, and they are other things."""

    def __init__(self, seed: int = 0) -> None:
        self._texture = _blotches(seed)

    def photograph(self, view: Camera) -> NDArray[Any]:
        """(height, width, 3) uint8: a ray through the middle of each pixel."""
        rows, columns = np.indices((view.height, view.width))
        x = (columns + 0.5 - view.principal_point[0]) / view.focal[0]
        y = (rows + 0.5 - view.principal_point[1]) / view.focal[1]
        if view.distortion:
            x, y = _undistorted(view.distortion, x, y)
        rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ view.world_from_camera[:3, :3].T
        depth, axis, thing = _hits(view.centre, rays)
        points = view.centre + np.where(np.isfinite(depth), depth, 0.0)[..., None] * rays
        others = np.array([[1, 2], [0, 2], [0, 1]])[axis]
        places = np.take_along_axis(points, others, axis=-1) * 150.0 + thing[..., None] * 217.0
        u, v = (places[..., i].astype(int) % TEXELS for i in range(2))
        seen = np.where(np.isfinite(depth)[..., None], self._texture[u, v], 0.75)
        return np.rint(255.0 * seen).astype(np.uint8)


def _undistorted(lens: tuple[float, ...], x: NDArray[Any], y: NDArray[Any]) -> tuple[Any, Any]:
    """The inverse of the lens, by fixed-point iteration; for mild lenses."""
    a, b = x.copy(), y.copy()
    for _ in range(20):
        shown_x, shown_y = distort(lens, a, b)
        a, b = a + x - shown_x, b + y - shown_y
    return a, b


def _hits(origin: NDArray[Any], rays: NDArray[Any]) -> tuple[Any, Any, Any]:
    """Depth along the rays (infinite where they miss), the axis of the face, and which thing."""
    best = np.full(rays.shape[:2], np.inf)
    axis, thing = np.full(rays.shape[:2], 2), np.zeros(rays.shape[:2], dtype=int)
    for number, (low, high) in enumerate(BOXES, start=1):
        with np.errstate(divide="ignore"):
            one, two = (np.asarray(low) - origin) / rays, (np.asarray(high) - origin) / rays
        near, far = np.minimum(one, two), np.maximum(one, two)
        enters, leaves = near.max(axis=-1), far.min(axis=-1)
        hit = (enters < leaves) & (enters > 0.0) & (enters < best)
        best = np.where(hit, enters, best)
        axis, thing = np.where(hit, near.argmax(axis=-1), axis), np.where(hit, number, thing)
    with np.errstate(divide="ignore"):
        table = -origin[2] / rays[..., 2]
    place = origin + np.where(np.isfinite(table), table, 0.0)[..., None] * rays
    on = (np.abs(place[..., :2]) < TABLE).all(axis=-1) & (table > 0.0) & (table < best)
    return np.where(on, table, best), np.where(on, 2, axis), np.where(on, 0, thing)


def write(
    folder: Path, cameras: Sequence[Camera], seed: int = 0, prefix: str = "photo"
) -> list[Path]:
    """Photograph it into a folder, as JPEG; the files, in the order of the cameras."""
    folder.mkdir(parents=True, exist_ok=True)
    things = StillLife(seed)
    paths = []
    for index, each in enumerate(cameras):
        paths.append(folder / f"{prefix} {index:02}.jpg")
        Image.fromarray(things.photograph(each)).save(paths[-1], quality=95)
    return paths
