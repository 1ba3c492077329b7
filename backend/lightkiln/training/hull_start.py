# SPDX-License-Identifier: GPL-3.0-or-later
"""A neural surface that begins as the visual hull of the masks, not as a ball.

The network is fitted to the hull's signed distance, at places near the hull and anywhere in the
unit ball. Everything after that learns what masks cannot show. It must not know rays or colours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from lightkiln_shared.scene import Region
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from lightkiln.capture.inputs import Inputs
from lightkiln.fields.neural_surface import NeuralSurface
from lightkiln.ops.surface_losses import points_loss
from lightkiln.stereo import hull
from lightkiln.stereo.lattice import Lattice
from lightkiln.stereo.views import prepare

from .ball import Ball

RESOLUTION, MAX_SIDE = 96, 400
"""Of the hull, voxels along its longest side; of the masks that it is carved from, pixels."""
PLACES = 4096
"""Of a step; half of them near the hull."""
NEAR = 3.0
"""Voxels."""
RATE = 2e-3


@dataclass(frozen=True, slots=True, eq=False)
class Solid:
    """The hull, carved."""

    lattice: Lattice
    distance: NDArray[Any]
    """(X, Y, Z) metres, negative inside."""

    def at(self, x: NDArray[Any]) -> NDArray[Any]:
        """Signed distances (n,) at places (n, 3) in the world; beyond the lattice a bound."""
        index = (x - self.lattice.origin) / self.lattice.voxel
        inside = np.clip(index, 0.0, np.array(self.lattice.shape) - 1.0)
        read = map_coordinates(self.distance, inside.T, order=1, output=np.float32)
        return np.asarray(read + self.lattice.voxel * np.linalg.norm(index - inside, axis=1))


def carved(inputs: Inputs) -> Solid:
    """The hull of all masks; raises `NothingReconstructed`."""
    views = [prepare(view, MAX_SIDE) for view in inputs.views]
    region: Region = inputs.region
    return Solid(*hull.enclose(views, region, RESOLUTION))


def become(
    surface: NeuralSurface, solid: Solid, ball: Ball, steps: Iterable[int], seed: int
) -> None:
    """Fit the distance to the solid; usable after every step, a little more like it each time."""
    device = next(surface.parameters()).device
    optimiser = torch.optim.Adam(surface.sdf.parameters(), lr=RATE, eps=1e-15)
    close = np.argwhere(np.abs(solid.distance) < NEAR * solid.lattice.voxel)
    for step in steps:
        draw = np.random.default_rng((seed, step))
        chosen = close[draw.integers(len(close), size=PLACES // 2)]
        near = solid.lattice.origin + solid.lattice.voxel * (chosen + draw.random(chosen.shape))
        anywhere = ball.centre + ball.radius * _in_the_ball(draw, PLACES - len(near))
        x = np.concatenate([near, anywhere])
        goal = solid.at(x) / ball.radius
        place, wanted = (
            torch.from_numpy(values.astype(np.float32)).to(device)
            for values in (ball.from_world(x), goal)
        )
        optimiser.zero_grad(set_to_none=True)
        points_loss(surface.distance(place) - wanted).backward()  # type: ignore[no-untyped-call]
        optimiser.step()


def _in_the_ball(draw: np.random.Generator, count: int) -> NDArray[Any]:
    directions = draw.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.asarray(directions * np.cbrt(draw.random((count, 1))))
