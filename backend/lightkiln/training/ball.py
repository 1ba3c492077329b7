# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit ball that neural surfaces live in: about the region, and photographs seen from it.

    x_ball = (x_world - centre) / radius

It must not know how a field learns.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from lightkiln_shared.camera import Camera
from lightkiln_shared.scene import Region, RegionShape
from numpy.typing import NDArray
from torch import Tensor

from lightkiln.capture.inputs import LoadedView
from lightkiln.ops.ray_samples import ball_span
from lightkiln.ops.rays import pixel_centres, pixel_directions, world_from_pixel

from .photos import Photos, shrunk

OBJECT_SHARE = 0.8
"""Part of the pixels of a step that are on the object or beside it, where masks tell."""
BESIDE = 0.05
"""So near, in parts of a photograph's longer side."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ball:
    """A ball in the world."""

    centre: NDArray[Any]
    """(3,) metres."""
    radius: float
    """Metres."""

    def from_world(self, x: NDArray[Any]) -> NDArray[Any]:
        """Places (..., 3) in the ball's frame."""
        return np.asarray((x - self.centre) / self.radius)


def ball_about(region: Region) -> Ball:
    """The smallest ball about a region's centre that holds it."""
    matrix = np.asarray(region.world_from_region, dtype=np.float64)
    if region.shape is RegionShape.SPHERE:
        radius = float(np.linalg.norm(matrix[:3, :3], ord=2))
    else:
        corners = np.array(list(itertools.product((-1.0, 1.0), repeat=3)))
        radius = float(np.linalg.norm(corners @ matrix[:3, :3].T, axis=1).max())
    return Ball(centre=matrix[:3, 3], radius=radius)


def camera_rays(camera: Camera, ball: Ball, pixels: NDArray[Any]) -> tuple[Tensor, Tensor]:
    """Origins and directions (n, 3) float32 of a camera's pixels, in the ball's frame."""
    places = pixel_centres(pixels, camera.width)
    directions = torch.from_numpy(pixel_directions(world_from_pixel(camera), places)).float()
    origin = torch.from_numpy(ball.from_world(camera.centre)).float()
    return origin.expand_as(directions), directions


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """What a step learns from."""

    origins: Tensor
    """(rays, 3)"""
    directions: Tensor
    """(rays, 3)"""
    color: Tensor
    """(rays, 3) sRGB values."""
    mask: Tensor | None
    """(rays,) in [0, 1]."""
    backdrop: Tensor
    """(rays, 3) a colour at random, to stand behind the object where there are masks."""
    views: Tensor
    """(rays,)"""
    jitter: Tensor
    """(rays,)"""
    points: Tensor
    """(points, 3) of the surface, in the ball's frame."""


class BallPhotos:
    """The pixels whose rays meet the ball, drawn at random."""

    def __init__(
        self, views: Sequence[LoadedView], ball: Ball, max_side: int, points: NDArray[Any]
    ) -> None:
        """`points` (n, 3), metres, are known to lie on the surface; those outside are left out."""
        side = max(max(view.camera.width, view.camera.height) for view in views)
        self.photos = shrunk(views, min(1.0, max_side / side))
        self._ball = ball
        self._pixels = _meeting(self.photos, ball)
        self._near = _on_the_object(self.photos, self._pixels)
        inside = np.linalg.norm(ball.from_world(points), axis=-1) < 1.0
        self._points = ball.from_world(points[inside]).astype(np.float32)

    @property
    def num_pixels(self) -> int:
        """Pixels that can be drawn."""
        return len(self._pixels)

    def draw(
        self, key: tuple[int, ...], num_rays: int, num_points: int, device: torch.device
    ) -> Batch:
        """The batch of `key` (seed, step, ...), always the same."""
        draw = np.random.default_rng(key)
        on_object = round(OBJECT_SHARE * num_rays) if len(self._near) else 0
        pixels = np.concatenate(
            [
                self._near[draw.integers(len(self._near), size=on_object)] if on_object else [],
                self._pixels[draw.integers(len(self._pixels), size=num_rays - on_object)],
            ]
        ).astype(np.int64)
        origins, directions, views = _rays(self.photos, self._ball, pixels)
        mask = None if self.photos.masks is None else _unit(self.photos.masks[pixels], device)
        backdrop, jitter = draw.random((num_rays, 3)), draw.random(num_rays)
        count = min(num_points, len(self._points))
        points = self._points[draw.integers(max(len(self._points), 1), size=count)]

        def placed(values: NDArray[Any]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32)).to(device)

        return Batch(
            origins=placed(origins),
            directions=placed(directions),
            color=_unit(self.photos.colors[pixels], device),
            mask=mask,
            backdrop=placed(backdrop),
            views=torch.from_numpy(views).to(device),
            jitter=placed(jitter),
            points=placed(points),
        )


def _unit(values: NDArray[Any], device: torch.device) -> Tensor:
    return torch.from_numpy(values).to(device).float() / 255.0


def _rays(
    photos: Photos, ball: Ball, pixels: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    views = photos.views_of(pixels)
    directions = pixel_directions(photos.directions[views], photos.places_of(pixels, views))
    return ball.from_world(photos.centres)[views], directions, views


def _meeting(photos: Photos, ball: Ball) -> NDArray[Any]:
    """All pixels whose rays meet the ball."""
    found = []
    for start, end in zip(photos.starts[:-1], photos.starts[1:], strict=True):
        pixels = np.arange(start, end)
        origins, directions, _ = _rays(photos, ball, pixels)
        meets = ball_span(torch.from_numpy(origins), torch.from_numpy(directions))[2]
        found.append(pixels[meets.numpy()])
    return np.concatenate(found)


def _on_the_object(photos: Photos, pixels: NDArray[Any]) -> NDArray[Any]:
    """Those on the object or beside it; none without masks."""
    if photos.masks is None:
        return pixels[:0]
    near = np.zeros(len(photos.masks), dtype=bool)
    for view, (start, end) in enumerate(zip(photos.starts[:-1], photos.starts[1:], strict=True)):
        shape = (photos.heights[view], photos.widths[view])
        reach = 2 * max(1, round(BESIDE * max(shape))) + 1
        grown = cv2.dilate(
            photos.masks[start:end].reshape(shape), np.ones((reach, reach), np.uint8)
        )
        near[start:end] = grown.reshape(-1) > 0
    return np.asarray(pixels[near[pixels]])
