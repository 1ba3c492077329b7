# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface on a lattice, looked at: NeuS' sections between samples near the surface.

Notation (`ops.volume_rendering`): sharpness s; samples stand where |f| is small, one step of 1 / s
apart, and never more than `COARSEST` voxels; a section runs from one sample to the next and has the
mean of what its two ends have. Its opacity is exact whatever its length, since f at its ends is all
that it depends on. It must not know lamps, losses or priors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn

from lightkiln.ops.kernels import dense_march, dense_march_torch
from lightkiln.ops.kernels.occupancy_march import Spans
from lightkiln.ops.packed_rendering import packed_weights
from lightkiln.ops.ray_samples import ball_span
from lightkiln.ops.volume_rendering import log_passed_between

from .radiance_render import Bundle
from .solid import Sections, Solid
from .surface_grid import SurfaceGrid, slopes

BAND = 6.0
"""In 1 / s: farther from the surface less than 1/400 of the light is lost, and nothing learns."""
COARSEST = 1.5
"""Voxels between two samples at most: each cell near the surface is met by some ray."""
JOINED = 1.5
"""Steps between two samples that have a section between them."""


class SurfaceSolid(Solid):
    """A surface grid with the sharpness at which it is looked at."""

    def __init__(self, grid: SurfaceGrid, sharpness: float) -> None:
        super().__init__()
        self.grid = grid
        self.sharpness = sharpness
        """s, 1 / radius of the ball; set by a schedule."""

    @property
    def _pace(self) -> tuple[float, float, float]:
        """Step, sharpness, band."""
        width = 1.0 / self.sharpness
        return min(width, COARSEST * self.grid.voxel), self.sharpness, BAND * width

    def sections(self, rays: Bundle, normals: bool) -> Sections:
        t, ray = self._march(rays)
        rows = self.grid.rows()
        at = self.grid.read(rows, rays.origins[ray] + t[:, None] * rays.directions[ray])
        joined = (ray[1:] == ray[:-1]) & (t[1:] - t[:-1] < JOINED * self._pace[0])
        first = joined.nonzero()[:, 0]
        ends = first, first + 1
        f = [at.distance[end] for end in ends]
        ray = ray[first]
        passed = log_passed_between(f[0], f[1], self.sharpness)
        weights, left = packed_weights(-passed, ray, len(rays.origins))
        return Sections(
            ray=ray,
            t=0.5 * (t[ends[0]] + t[ends[1]]),
            weights=weights,
            left=left,
            albedo=0.5 * (at.albedo[ends[0]] + at.albedo[ends[1]]),
            slope=0.5 * (at.slope[ends[0]] + at.slope[ends[1]]) if normals else None,
        )

    def parts(self) -> dict[str, Iterable[nn.Parameter]]:
        return {"distance": [self.grid.distance], "albedo": [self.grid.albedo]}

    def regular(self) -> dict[str, Float[Tensor, ""]]:
        f = self.grid.bounded()
        near = (f.detach().abs() < BAND / self.sharpness).float()
        total = near.sum().clamp(min=1.0)
        length = slopes(f, self.grid.voxel).norm(dim=-1)
        eikonal = (near * (length - 1.0) ** 2).sum() / total
        bend = laplacian(self.grid.distance) / self.grid.voxel
        smooth = (near[1:-1, 1:-1, 1:-1] * bend**2).sum() / total
        return {"eikonal": eikonal, "smooth": smooth}

    @torch.no_grad()
    def _march(self, rays: Bundle) -> tuple[Tensor, Tensor]:
        """t (samples,) and ray (samples,), ray by ray."""
        near, far, _ = ball_span(rays.origins, rays.directions)
        f = self.grid.bounded()
        if f.device.type != "cpu":
            return dense_march_torch.march(
                f, rays.origins, rays.directions, near, far, rays.jitter, self._pace
            )
        parts = (rays.origins, rays.directions, near, far, rays.jitter)
        spans, pace = Spans(*(_array(part) for part in parts)), _floats(self._pace)
        counts = np.empty(len(near), dtype=np.int64)
        dense_march.count_samples(f.numpy(), spans, pace, counts)
        starts = np.concatenate([[0], np.cumsum(counts)])
        t = np.empty(starts[-1], dtype=np.float32)
        dense_march.place_samples(f.numpy(), spans, pace, starts, t)
        return torch.from_numpy(t), torch.from_numpy(np.repeat(np.arange(len(counts)), counts))


def laplacian(f: Float[Tensor, "x y z"]) -> Float[Tensor, "a b c"]:
    """Sum of the six neighbours less six times the point, of inner points."""
    total = -6.0 * f[1:-1, 1:-1, 1:-1]
    total = total + f[2:, 1:-1, 1:-1] + f[:-2, 1:-1, 1:-1]
    total = total + f[1:-1, 2:, 1:-1] + f[1:-1, :-2, 1:-1]
    return total + f[1:-1, 1:-1, 2:] + f[1:-1, 1:-1, :-2]


def _array(values: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.detach().contiguous().numpy()
    return array


def _floats(pace: tuple[float, float, float]) -> tuple[Any, Any, Any]:
    return np.float32(pace[0]), np.float32(pace[1]), np.float32(pace[2])
