# SPDX-License-Identifier: GPL-3.0-or-later
"""A surface on a lattice, looked at: NeuS' sections between samples near the surface.

Notation (`ops.volume_rendering`): sharpness s; samples stand where |f| is small, one step of 1 / s
apart, and never more than `COARSEST` voxels. A section runs from one sample to the next and has the
mean of what its two ends have; one comes from far away to each first sample. Its opacity is exact
whatever its length, since f at its ends is all that it depends on: a ray that passes at f_min is
let through to the part Phi(f_min). It must not know lamps, losses or priors.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from lightkiln.ops.kernels import dense_march, dense_march_torch
from lightkiln.ops.kernels.occupancy_march import Spans
from lightkiln.ops.packed_rendering import packed_weights
from lightkiln.ops.ray_samples import ball_span

from .radiance_render import Bundle
from .solid import Sections, Solid
from .surface_grid import SurfaceGrid

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
        at = self.grid.read(rays.origins[ray] + t[:, None] * rays.directions[ray], normals)
        before = self._before(t, ray)
        ends = before, torch.arange(len(t), device=t.device)
        weights, left = packed_weights(-self._passed(at.distance, before), ray, len(rays.origins))
        return Sections(
            ray=ray,
            t=_between(t, ends),
            weights=weights,
            left=left,
            albedo=_between(at.albedo, ends),
            slope=None if at.slope is None else _between(at.slope, ends),
        )

    def _before(self, t: Tensor, ray: Tensor) -> Tensor:
        """Where each sample's section begins: the sample before, or itself if that is far."""
        joined = (ray[1:] == ray[:-1]) & (t[1:] - t[:-1] < JOINED * self._pace[0])
        index = torch.arange(len(t), device=t.device)
        index[1:] -= joined.long()
        return index

    def _passed(self, f: Tensor, before: Tensor) -> Tensor:
        """log(1 - alpha_i) of the sections that end at the samples."""
        light = logsigmoid(self.sharpness * f)
        first = before == torch.arange(len(f), device=f.device)
        return (light - torch.where(first, 0.0, light[before])).clamp(max=0.0)

    def parts(self) -> dict[str, Iterable[nn.Parameter]]:
        return {"distance": [self.grid.distance], "albedo": [self.grid.albedo]}

    def regular(self) -> dict[str, Float[Tensor, ""]]:
        return self.grid.regular(BAND / self.sharpness)

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


def _between(values: Tensor, ends: tuple[Tensor, Tensor]) -> Tensor:
    """The mean of what sections' ends have."""
    return 0.5 * (values[ends[0]] + values[ends[1]])


def _array(values: Tensor) -> NDArray[Any]:
    array: NDArray[Any] = values.detach().contiguous().numpy()
    return array


def _floats(pace: tuple[float, float, float]) -> tuple[Any, Any, Any]:
    return np.float32(pace[0]), np.float32(pace[1]), np.float32(pace[2])
