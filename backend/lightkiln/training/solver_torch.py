# SPDX-License-Identifier: GPL-3.0-or-later
"""A solver in torch: kiln on CUDA, and on any other device that torch knows.

The field lives on the device; rays go there and what they saw comes back, and the band's own arrays
are old until `settle`. It must not know photographs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightkiln.fields.band import Band
from lightkiln.ops.kernels import fused_torch, patch_torch
from lightkiln.ops.kernels.arrays import Outcome, Rays, Targets
from lightkiln.ops.kernels.march_torch import Beams, march
from lightkiln.ops.kernels.patch_pull import Patches
from lightkiln.ops.kernels.stereo_patch import Bundle

from .schedule import Pace
from .solver import FLOOR, color_pace, prior_weights


class TorchSolver:
    """On a device."""

    def __init__(self, band: Band, device: str) -> None:
        self._band, self._device = band, torch.device(device)
        self._table = self._tensor(band.table)
        self._around = fused_torch.surroundings(self._tensor(band.near))
        self._anchor, self._trust = self._tensor(band.anchor), self._tensor(band.trust)
        self._distance = self._tensor(band.distance).requires_grad_()
        self._color = self._tensor(band.color).requires_grad_()
        self._moments = [
            (torch.zeros_like(values), torch.zeros_like(values))
            for values in (self._distance, self._color)
        ]
        self._touched = torch.zeros(len(band.distance), dtype=torch.bool, device=self._device)

    def see(self, sharpness: float, rays: Rays, targets: Targets) -> Outcome:
        beams = Beams(*(self._tensor(array) for array in rays))
        samples = march(self._table, self._distance.detach(), sharpness, beams)
        seen, left, touched = fused_torch.render(
            self._table, self._distance, self._color, sharpness, beams, samples
        )
        goal, background, opacity, gain = (self._tensor(array) for array in targets[:4])
        losses = fused_torch.losses(
            seen, left, goal, background, gain, opacity, targets.opacity_weight
        )
        losses.sum().backward()  # type: ignore[no-untyped-call]
        self._touched[touched] = True
        depth = np.full(len(losses), np.inf, dtype=np.float32)  # no step asks where a ray ends
        return Outcome(_array(seen), _array(left), depth, _array(losses))

    def compare(
        self, sharpness: float, bundle: Bundle, patches: Patches, weight: float
    ) -> NDArray[Any]:
        pulled, costs = patch_torch.pull(self._table, self._distance, sharpness, bundle, patches)
        if pulled.requires_grad:
            (weight * pulled).backward()  # type: ignore[no-untyped-call]
        return _array(costs)

    def hold(self, places: NDArray[Any], weights: NDArray[Any]) -> None:
        where, much = self._tensor(places), self._tensor(weights)
        patch_torch.hold(self._table, self._distance, where, much).backward()  # type: ignore[no-untyped-call]

    def move(self, density: float, pace: Pace) -> float:
        eikonal, curvature = fused_torch.priors(self._distance, self._around)
        pull = self._trust * (self._distance - self._anchor) ** 2
        weights = prior_weights(density, pace)
        total = sum(
            float(weight) * energy.sum()
            for weight, energy in zip(weights, (eikonal, curvature, pull), strict=True)
        )
        total.backward()  # type: ignore[union-attr]
        beside = self._distance.detach().abs().reshape(eikonal.shape) < 1.0
        error = eikonal.detach()[beside].sum() / beside.sum().clamp(min=1)
        self._step(density, pace)
        return float(error)

    def _step(self, density: float, pace: Pace) -> None:
        slope, color_slope = self._distance.grad, self._color.grad
        assert slope is not None
        floor = FLOOR * density
        fused_torch.step_distance(
            self._distance, slope, self._moments[0], pace.distance_rate, floor
        )
        if color_slope is not None:  # None if no ray has met the surface
            rates = self._tensor(color_pace(pace.color_rate))
            fused_torch.step_color(self._color, color_slope, self._touched, self._moments[1], rates)
        self._distance.grad, self._color.grad = None, None
        self._touched.zero_()

    def settle(self) -> None:
        self._band.distance[:] = _array(self._distance)
        self._band.color[:] = _array(self._color)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        # A copy on every device: on the processor `from_numpy` would share the band's memory.
        return torch.tensor(np.ascontiguousarray(array), device=self._device)


def _array(values: Tensor) -> NDArray[Any]:
    return np.asarray(values.detach().cpu().numpy())
