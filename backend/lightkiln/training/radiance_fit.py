# SPDX-License-Identifier: GPL-3.0-or-later
"""A radiance field that learns: its optimiser, its steps and its state.

The loss is Huber's on sRGB values, or their square as in NeRF; where there are masks, the object
stands before a random colour in the photograph and in the rendering, so that no colour of the field
can pass for emptiness. Rates fall geometrically. A step whose loss is no number is not taken:
`FallenBack` is raised after the state has gone back to the last one kept, and rates are halved.
It must not know phases, previews or meshes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import huber_loss, mse_loss

from lightkiln.fields.radiance_render import Bundle, Radiance, Seen
from lightkiln.ops.kernels.adam_rows import step_rows

from .ball import BallPhotos, Batch
from .surface_fit import CAUTION, KEPT_EVERY, FallenBack

REFRESH_EVERY = 16
"""Steps between two times of taking stock."""
SOFTNESS = 0.1
"""Of Huber's loss, sRGB values: below it the loss is square, above it linear."""
BETAS, TINY = (0.9, 0.99), 1e-15
"""Adam's, as in instant-ngp's paper."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a radiance field learns."""

    num_steps: int
    rays: int
    """Of a step."""
    rate: float
    rate_left: float
    """Part of the rate that is left at the end."""
    decay: float
    """Of the networks' weights (L2), not of tables."""
    square: bool
    """The loss is square, not Huber's."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a step saw."""

    loss: float
    psnr: float


class RadianceFit:
    """A field at work."""

    def __init__(
        self,
        radiance: Radiance,
        tables: Tensor | None,
        photos: BallPhotos,
        recipe: Recipe,
        seed: int,
    ) -> None:
        """`tables`: the parameter of which a step touches few rows, if there is one."""
        self.radiance, self.num_done = radiance, 0
        self._tables, self._photos, self._recipe, self._seed = tables, photos, recipe, seed
        networks = [each for each in radiance.parameters() if each is not tables]
        self._optimiser = torch.optim.Adam(
            networks, lr=recipe.rate, betas=BETAS, eps=TINY, weight_decay=recipe.decay
        )
        self._moments = (
            None if tables is None else (torch.zeros_like(tables), torch.zeros_like(tables))
        )
        self._caution = 1.0
        self._kept = self.state()

    def step(self, u: float) -> Figures:
        """Learn from the next batch at progress u; raises `FallenBack`."""
        recipe = self._recipe
        if self.num_done % REFRESH_EVERY == 0:
            self.radiance.refresh(np.random.default_rng((self._seed, self.num_done, 1)))
        device = next(self.radiance.parameters()).device
        batch = self._photos.draw((self._seed, self.num_done), recipe.rays, 0, device)
        rays = Bundle(origins=batch.origins, directions=batch.directions, jitter=batch.jitter)
        goal = _over(batch, batch.color)
        shown = [_composed(seen, batch) for seen in self.radiance.look(rays, learning=True)]
        loss = torch.stack([self._missed(each, goal) for each in shown]).sum()
        self.num_done += 1
        if not math.isfinite(float(loss.detach())):
            self._fall_back()
            raise FallenBack
        if self.num_done % KEPT_EVERY == 0:  # what has just been seen to be sound
            self._kept = self.state()
        self._move(loss, self._caution * recipe.rate * recipe.rate_left**u)
        error = float(mse_loss(shown[-1].detach(), goal))
        return Figures(loss=float(loss.detach()), psnr=-10.0 * math.log10(max(error, 1e-10)))

    def state(self) -> Mapping[str, NDArray[Any]]:
        """What is needed to go on; the optimiser's memory starts anew, and soon knows as much."""
        saved = {
            name: value.detach().cpu().numpy().copy()
            for name, value in self.radiance.state_dict().items()
        }
        return saved | {"place": np.array([self.num_done, self._caution])}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        done, caution = (float(value) for value in tensors.pop("place"))
        self.radiance.load_state_dict(tensors)
        self.num_done, self._caution = int(done), caution
        self._optimiser.state.clear()
        for moment in self._moments or ():
            moment.zero_()
        self._kept = self.state()

    def _missed(self, shown: Tensor, goal: Tensor) -> Tensor:
        if self._recipe.square:
            return mse_loss(shown, goal)
        return huber_loss(shown, goal, delta=SOFTNESS)

    def _move(self, loss: Tensor, rate: float) -> None:
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        self._optimiser.step()
        if self._tables is not None and self._tables.grad is not None:
            assert self._moments is not None
            step_rows(self._tables.detach(), self._tables.grad, self._moments, rate)
            self._tables.grad = None

    def _fall_back(self) -> None:
        done, caution = self.num_done, self._caution
        self.restore(self._kept)
        # The batch that did it is not drawn again.
        self.num_done, self._caution = done, caution * CAUTION


def _over(batch: Batch, color: Tensor) -> Tensor:
    """The photograph's colours, before the random one where there are masks."""
    if batch.mask is None:
        return color
    return batch.mask[:, None] * color + (1.0 - batch.mask[:, None]) * batch.backdrop


def _composed(seen: Seen, batch: Batch) -> Tensor:
    if batch.mask is None:
        return seen.color
    return seen.color + seen.left[:, None] * batch.backdrop
