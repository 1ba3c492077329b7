# SPDX-License-Identifier: GPL-3.0-or-later
"""A view made ready to be asked: its colours in two bands, what hides what, and where to trust it.

Trust rises from almost nothing at the object's outline, at the picture's edge and where one part
of the object stands before another, to one some pixels away: there a pixel mixes two things, and a
surface that lies a little wrong would be painted with what is behind it.
It must not know textures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float
from lightkiln_shared.camera import Camera, scaled
from lightkiln_shared.geometry import TriangleMesh
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import binary_erosion, distance_transform_edt

from lightkiln.capture.inputs import LoadedView
from lightkiln.mesh.rasterize import rasterize

from .kernels import CHANNELS, observe, smoothed

BORDER = 8.0
"""Pixels over which trust rises."""
LEAST_TRUST = 1e-4
"""What only borders see takes its colour there rather than none."""
SLOPE = 2.0
"""A steeper step of depth, in a pixel's widths for each pixel, is not smoothed over."""
JUMP = 8.0
"""A step of depth between two pixels, in a pixel's widths, that is no slope but an edge."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Look:
    """A view as the kernels take it."""

    camera: NDArray[Any]
    """(4, 4) float64; see `kernels.observe`."""
    layers: NDArray[Any]
    """(H, W, 8) float32; see `kernels`."""

    def at(
        self, points: Float[NDArray[Any], "T 3"], normals: Float[NDArray[Any], "T 3"]
    ) -> tuple[Float[NDArray[Any], "T 6"], Float[NDArray[Any], " T"]]:
        """Colours in both bands, sRGB to 255, and weights of points: 0 for unseen ones."""
        colors = np.zeros((len(points), CHANNELS), dtype=np.float32)
        weights = np.zeros(len(points), dtype=np.float32)
        observe(points, normals, self.camera, self.layers, colors, weights)
        return colors, weights


def look(view: LoadedView, mesh: TriangleMesh, table: Float[NDArray[Any], "256 3"]) -> Look:
    """Make a view ready; `table` gives the compensated sRGB value for each byte and channel."""
    raster = rasterize(mesh, view.camera)
    seen = raster.seen if view.mask is None else raster.seen & (view.mask > 0.5)
    image = np.stack([table[view.image[..., c], c] for c in range(3)], axis=-1).astype(np.float32)
    image = _beyond_outline(image, seen)
    low = smoothed(image, np.where(seen, raster.depth, np.inf), SLOPE / view.camera.focal[0])
    front = raster.depth[..., None]
    trust = _trust(seen, raster.depth, view.camera)[..., None]
    return Look(
        camera=_numbers(view.camera),
        layers=np.concatenate([image, low, front, trust], axis=-1),
    )


def matched(view: LoadedView, mesh: TriangleMesh, texel: float) -> LoadedView:
    """The view with no more pixels than texels of this size can show: halved once or several times.

    Otherwise a texel would take one of several pixels, and the texture would be grainy.
    """
    camera = view.camera
    depth = float(np.median(np.linalg.norm(mesh.positions[::97] - camera.centre, axis=-1)))
    times = int(np.log2(max(texel * camera.focal[0] / depth, 1.0)))
    if times == 0:
        return view
    size = (max(1, camera.width >> times), max(1, camera.height >> times))
    image = Image.fromarray(view.image).resize(size, Image.Resampling.BOX)
    mask = view.mask
    if mask is not None:
        shrunk = Image.fromarray(mask.astype(np.float32)).resize(size, Image.Resampling.BOX)
        mask = np.asarray(shrunk)
    return replace(view, camera=scaled(camera, *size), image=np.asarray(image), mask=mask)


def _numbers(camera: Camera) -> NDArray[Any]:
    numbers = camera.camera_from_world.copy()
    numbers[3] = (*camera.focal, *camera.principal_point)
    return numbers


def _beyond_outline(
    image: Float[NDArray[Any], "H W 3"], seen: Bool[NDArray[Any], "H W"]
) -> Float[NDArray[Any], "H W 3"]:
    """The object's colours carried on over its outline, whose own pixels mix in the background."""
    core = binary_erosion(seen)
    if not core.any():
        return image
    row, column = distance_transform_edt(~core, return_distances=False, return_indices=True)
    return np.asarray(image[row, column])


def _trust(
    seen: Bool[NDArray[Any], "H W"], depth: Float[NDArray[Any], "H W"], camera: Camera
) -> Float[NDArray[Any], "H W"]:
    inner = seen.copy()
    inner[[0, -1]] = inner[:, [0, -1]] = False
    front = np.where(seen, depth, 0.0)
    limit = JUMP * front / camera.focal[0]
    down = np.abs(np.diff(front, axis=0)) > np.minimum(limit[1:], limit[:-1])
    across = np.abs(np.diff(front, axis=1)) > np.minimum(limit[:, 1:], limit[:, :-1])
    inner[1:] &= ~down
    inner[:-1] &= ~down
    inner[:, 1:] &= ~across
    inner[:, :-1] &= ~across
    rise = np.clip(distance_transform_edt(inner) / BORDER, 0.0, 1.0)
    smooth = rise**2 * (3.0 - 2.0 * rise)
    return np.asarray(np.maximum(smooth, LEAST_TRUST), dtype=np.float32)
