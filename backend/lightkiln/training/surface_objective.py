# SPDX-License-Identifier: GPL-3.0-or-later
"""What a neural surface is judged by: one number for a batch of rays, and what it is made of.

    color + eikonal + mask + curvature + points, each with its weight (`ops.surface_losses`)

With masks a colour at random stands behind the object, in the photograph and in the rendering, so
that no colour can stand for emptiness. It must not know optimisers.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lightkiln.fields.neural_render import Bundle, Sampling, Seen, look
from lightkiln.fields.neural_surface import NeuralSurface
from lightkiln.ops import surface_losses as losses

from .ball import Batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """Of the terms; that of the colour is `color`."""

    color: float
    eikonal: float
    mask: float
    curvature: float
    points: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch's loss and the figures that a person sees."""

    loss: Tensor
    error: Tensor
    """Mean squared difference of the pixels."""
    eikonal: Tensor


class Objective(nn.Module):
    """A surface with its loss: what processes share the gradients of."""

    def __init__(self, surface: NeuralSurface, weights: Weights, sampling: Sampling) -> None:
        super().__init__()
        self.surface = surface
        self._weights, self._sampling = weights, sampling

    def forward(self, batch: Batch, progress: float, curvature: float) -> Judged:
        """`progress` anneals the slope; `curvature` is the part of its weight that counts now."""
        rays = Bundle(
            origins=batch.origins,
            directions=batch.directions,
            codes=self.surface.codes[batch.views],
            jitter=batch.jitter,
        )
        seen = look(self.surface, rays, self._sampling, progress)
        color, real = _compared(seen, batch)
        weights, eikonal = self._weights, losses.eikonal_loss(seen.gradient)
        loss = weights.color * losses.color_loss(color, real) + weights.eikonal * eikonal
        if batch.mask is not None and weights.mask > 0.0:
            loss = loss + weights.mask * losses.mask_loss(1.0 - seen.left, batch.mask)
        if seen.laplacian is not None and weights.curvature > 0.0:
            term = losses.curvature_loss(seen.laplacian)
            loss = loss + weights.curvature * curvature * term
        if len(batch.points) and weights.points > 0.0:
            term = losses.points_loss(self.surface.distance(batch.points))
            loss = loss + weights.points * term
        error = ((color - real) ** 2).mean()
        return Judged(loss, error.detach(), eikonal.detach())


def _compared(seen: Seen, batch: Batch) -> tuple[Tensor, Tensor]:
    """Rendering and photograph (rays, 3), with the same behind the object."""
    light = seen.left[:, None]
    if batch.mask is not None:
        mask = batch.mask[:, None]
        real = mask * batch.color + (1.0 - mask) * batch.backdrop
        return seen.color + light * batch.backdrop, real
    behind = torch.zeros_like(seen.color) if seen.behind is None else seen.behind
    return seen.color + light * behind, batch.color
