# SPDX-License-Identifier: GPL-3.0-or-later
"""What a radiance field shows: pictures, how near they come to photographs kept out, a mesh.

The mesh is where the density passes a threshold: no more is known of the surface, so nothing is
promised of it. It must not know how the field learns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightkiln_shared.camera import Camera
from lightkiln_shared.errors import NothingReconstructed
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.scene import Region
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from lightkiln.capture.inputs import LoadedView
from lightkiln.fields.radiance_render import Bundle, Radiance
from lightkiln.metrics.images import psnr, ssim
from lightkiln.metrics.lpips import hindrance, lpips
from lightkiln.ops.bricks import BrickGrid, from_dense
from lightkiln.ops.picture import RenderedImage, preview_camera
from lightkiln.stereo import lattice, surface

from .ball import Ball, camera_rays
from .hull_start import Solid

CHUNK = 1 << 13
"""Rays, and 16 times as many places, that are asked at once."""
KEPT_OUT_EVERY, KEPT_OUT_FROM = 8, 16
"""Every eighth view is kept out to be compared with, where there are 16 and more."""
SOFT = 1.0
"""Of the density's logarithm: beyond that a place is simply inside or outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How near a picture comes to a photograph."""

    psnr: float
    """Decibels."""
    ssim: float
    lpips: float | None
    """None: it cannot be measured here."""


def parted(views: Sequence[LoadedView]) -> tuple[list[LoadedView], list[LoadedView]]:
    """The views to learn from, and those to compare with."""
    if len(views) < KEPT_OUT_FROM:
        return list(views), []
    kept_out = [view for index, view in enumerate(views) if index % KEPT_OUT_EVERY == 0]
    return [view for index, view in enumerate(views) if index % KEPT_OUT_EVERY], kept_out


class Pictures:
    """A field in its ball, looked at."""

    def __init__(
        self, radiance: Radiance, ball: Ball, region: Region, hull: Solid | None, most_pixels: int
    ) -> None:
        """`hull`: no mesh is made outside of it; `most_pixels`: a preview has no more."""
        self._radiance, self._ball, self._region = radiance, ball, region
        self._hull, self._most = hull, most_pixels

    @property
    def _device(self) -> torch.device:
        return next(self._radiance.parameters()).device

    def rendered(self, camera: Camera) -> RenderedImage:
        """What the camera sees, in fewer pixels if it asks for many."""
        return self.frame(preview_camera(camera, most=self._most))

    @torch.no_grad()
    def frame(self, camera: Camera) -> RenderedImage:
        """What the camera sees, in all its pixels."""
        pixels = np.arange(camera.width * camera.height)
        parts = [
            self._looked(camera, pixels[start : start + CHUNK])
            for start in range(0, len(pixels), CHUNK)
        ]
        picture = np.rint(255.0 * np.clip(np.concatenate(parts), 0.0, 1.0)).astype(np.uint8)
        shaped = picture.reshape(camera.height, camera.width, 4)
        return RenderedImage(pixels=shaped, camera=camera)

    def _looked(self, camera: Camera, pixels: NDArray[Any]) -> NDArray[Any]:
        """sRGB and straight alpha (n, 4) of some pixels."""
        origins, directions = (
            each.to(self._device) for each in camera_rays(camera, self._ball, pixels)
        )
        middle = torch.full_like(origins[:, 0], 0.5)
        rays = Bundle(origins=origins, directions=directions, jitter=middle)
        seen = self._radiance.look(rays, learning=False)[-1]
        alpha = 1.0 - seen.left[:, None]
        # Fainter than 1 / 255, alpha rounds to 0 anyway.
        out = torch.cat([seen.color / alpha.clamp(min=1.0 / 255.0), alpha], dim=-1)
        return np.asarray(out.cpu().numpy())

    def likeness(self, view: LoadedView) -> Likeness:
        """Against a photograph, both over white where it has a mask, in a preview's size."""
        ours = self.rendered(view.camera)
        size = (ours.camera.width, ours.camera.height)
        theirs = _resized(view.image, size).astype(np.float64) / 255.0
        picture = ours.pixels.astype(np.float64) / 255.0
        shown = _over_white(picture[..., :3], picture[..., 3])
        if view.mask is not None:
            mask = _resized(np.rint(255.0 * view.mask).astype(np.uint8), size) / 255.0
            theirs = _over_white(theirs, mask)
        return Likeness(
            psnr=psnr(shown, theirs),
            ssim=ssim(shown, theirs),
            lpips=None if hindrance() else lpips(shown, theirs),
        )

    def coarse_mesh(self, threshold: float, resolution: int, faces: int) -> TriangleMesh | None:
        """The surface of the density without colours; None if there is none."""
        try:
            return surface.bare(self._grid(threshold, resolution), faces)
        except NothingReconstructed:
            return None

    def finished(
        self, views: Sequence[LoadedView], threshold: float, resolution: int, faces: int
    ) -> TriangleMesh:
        """The mesh that a person gets; raises `NothingReconstructed`."""
        return surface.finished(self._grid(threshold, resolution), views, faces)

    @torch.no_grad()
    def _grid(self, threshold: float, resolution: int) -> BrickGrid:
        """log(threshold / sigma), cut off at +-SOFT: negative inside; within region and hull.

        A field that has hardly learned is thinner than the threshold everywhere: then half of its
        greatest density must do.
        """
        place = lattice.around(*lattice.bounds(self._region), resolution, 2.0)
        border = lattice.region_distance(self._region, place)
        if self._hull is not None:
            x, y, z = np.meshgrid(*place.axes, indexing="ij")
            at = self._hull.at(np.stack([x, y, z], axis=-1).reshape(-1, 3))
            border = np.maximum(border, at.reshape(border.shape))
        density = self._densities(place, border > place.voxel)
        level = min(threshold, 0.5 * float(density.max()))
        # 1e-12: of nothing there is no logarithm, and far below any threshold.
        inside = np.log(np.maximum(density, 1e-12)) - np.log(max(level, 1e-12))
        values = np.clip(np.maximum(-inside, border / place.voxel), -SOFT, SOFT)
        whole = np.ones(values.shape, dtype=bool)
        return from_dense(values[..., None].astype(np.float32), whole, place.origin, place.voxel)

    def _densities(self, place: lattice.Lattice, outside: NDArray[Any]) -> NDArray[Any]:
        """sigma (X, Y, Z), 1 / radius; not asked where it does not matter."""
        density = np.zeros(place.shape, dtype=np.float32)
        index = np.argwhere(~outside)
        for start in range(0, len(index), 16 * CHUNK):
            part = index[start : start + 16 * CHUNK]
            x = self._ball.from_world(place.origin + place.voxel * part).astype(np.float32)
            asked: Tensor = self._radiance.density(torch.from_numpy(x).to(self._device))
            density[tuple(part.T)] = asked.cpu().numpy()
        return density


def _resized(image: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))


def _over_white(color: NDArray[Any], alpha: NDArray[Any]) -> NDArray[Any]:
    return np.asarray(color * alpha[..., None] + 1.0 - alpha[..., None])
