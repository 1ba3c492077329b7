# SPDX-License-Identifier: GPL-3.0-or-later
"""A density and a colour on a hash grid, which begin as a blob (DreamFusion, appendix A.2).

Notation, places x of the unit ball's frame, tau and a from a small network of the hash features:

    sigma = softplus(tau + BLOB (1 - |x| / WIDE))          Magic3D's blob (arXiv:2211.10440, A.3)
    n = -grad sigma / |grad sigma|
    w_i of `ops.packed_rendering`

Colours do not know whence one looks: light comes from lamps. It must not know lamps or losses.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import softplus

from lightkiln.ops.packed_rendering import packed_light, packed_weights
from lightkiln.ops.ray_samples import ball_span

from .hash_grid import HashGrid
from .occupancy import Occupancy
from .radiance_render import FAINT, Bundle
from .solid import Sections, Solid

BLOB, WIDE = 10.0, 0.5
CELLS = 32
"""Of the occupancy, along a side."""
CHUNK = 1 << 17


class BlobRadiance(Solid):
    """Density and albedo."""

    def __init__(
        self, *, num_levels: int, finest: int, log2_size: int, width: int, samples: int, seed: int
    ) -> None:
        """`samples` across the ball; `finest` cells along the cube's side; `width` of a network."""
        super().__init__()
        self.grid = HashGrid(
            num_levels=num_levels, coarsest=8, finest=finest, log2_size=log2_size, seed=seed
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._network = nn.Sequential(
                nn.Linear(self.grid.num_outputs, width), nn.ReLU(), nn.Linear(width, 4)
            )
        self.occupancy = Occupancy(torch.ones((CELLS, CELLS, CELLS), dtype=torch.bool))
        self._step = 2.0 / samples

    def known(self, x: Float[Tensor, "n 3"]) -> tuple[Tensor, Tensor]:
        """sigma (n,), in 1 / radius, and albedo (n, 3), sRGB values."""
        answer = self._network(self.grid((x + 1.0) * 0.5))
        bias = BLOB * (1.0 - x.norm(dim=-1) / WIDE)
        return softplus(answer[:, 0] + bias), torch.sigmoid(answer[:, 1:])

    @torch.no_grad()
    def everywhere(self, x: Float[Tensor, "n 3"]) -> tuple[Tensor, Tensor]:
        """The same of many places, a part at a time."""
        found = [self.known(places) for places in torch.split(x, CHUNK)]
        return torch.cat([sigma for sigma, _ in found]), torch.cat([albedo for _, albedo in found])

    def sections(self, rays: Bundle, normals: bool) -> Sections:
        near, far, _ = ball_span(rays.origins, rays.directions)
        t, ray = self.occupancy.march(
            rays.origins, rays.directions, near, far, rays.jitter, self._step
        )
        t, ray = self._lit(rays, t, ray)
        x = rays.origins[ray] + t[:, None] * rays.directions[ray]
        if normals:
            x.requires_grad_()
        sigma, albedo = self.known(x)
        weights, left = packed_weights(sigma * self._step, ray, len(rays.origins))
        slope = self._outwards(sigma, x) if normals else None
        return Sections(ray=ray, t=t, weights=weights, left=left, albedo=albedo, slope=slope)

    def regular(self) -> dict[str, Float[Tensor, ""]]:
        return {}

    def parts(self) -> dict[str, Iterable[nn.Parameter]]:
        return {"tables": [self.grid.tables], "network": self._network.parameters()}

    def refresh(self, draw: np.random.Generator) -> None:
        """Take stock of what is empty."""
        self.occupancy.refresh(lambda x: self.everywhere(x)[0], self._step, draw)

    @torch.no_grad()
    def _lit(self, rays: Bundle, t: Tensor, ray: Tensor) -> tuple[Tensor, Tensor]:
        """The samples that light reaches."""
        sigma, _ = self.everywhere(rays.origins[ray] + t[:, None] * rays.directions[ray])
        lit = packed_light(sigma * self._step, ray, len(rays.origins)) > FAINT
        return t[lit], ray[lit]

    def _outwards(self, sigma: Tensor, x: Tensor) -> Tensor:
        learning = torch.is_grad_enabled() and sigma.requires_grad
        (slope,) = torch.autograd.grad(sigma.sum(), x, create_graph=learning)
        return -slope
