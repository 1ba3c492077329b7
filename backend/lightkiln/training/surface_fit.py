# SPDX-License-Identifier: GPL-3.0-or-later
"""A neural surface that learns: its optimiser, its schedules, its steps and its state.

A step whose gradient is no number is not taken: `FallenBack` is raised after the state has gone
back to the last one that was kept, and from then on rates are halved.
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

from lightkiln.fields.neural_render import Sampling
from lightkiln.fields.neural_surface import Design, NeuralSurface

from .ball import BallPhotos
from .processes import Group
from .surface_objective import Judged, Objective, Weights
from .surface_schedule import Levels, cosine_rate, stairs_rate

KEPT_EVERY = 100
"""Steps between two states to go back to."""
CAUTION = 0.5
"""What is left of the rates after a step that went wrong."""
MOMENTS = ("exp_avg", "exp_avg_sq")


class FallenBack(Exception):
    """The step was no number; the state is an earlier one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a surface learns."""

    design: Design
    sampling: Sampling
    weights: Weights
    levels: Levels | None
    """None without a hash grid."""
    num_steps: int
    rays: int
    """Of a step, in each process."""
    points: int
    """Points of the surface in a step."""
    rate: float
    stairs: bool
    """The rate falls as Neuralangelo's does, else as NeuS'."""
    decay: float
    """Of weights, AdamW's."""
    annealed: float
    """Part of the steps over which surfaces that face away count less and less."""
    sharpest: float
    """The sharpness at the end if it is told, not learned; 0: it is learned."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a step saw."""

    loss: float
    psnr: float
    eikonal: float
    sharpness: float


class SurfaceFit:
    """A surface at work."""

    def __init__(
        self, surface: NeuralSurface, photos: BallPhotos, recipe: Recipe, seed: int, group: Group
    ) -> None:
        self.surface = surface.to(group.device)
        self.progress = 0.0
        """How far the last step was, in [0, 1]."""
        self.num_done = 0
        self._photos, self._recipe, self._seed, self._group = photos, recipe, seed, group
        surface.learn_sharpness(recipe.sharpest == 0.0)
        self._objective = group.joined(Objective(surface, recipe.weights, recipe.sampling))
        learned = [each for each in surface.parameters() if each.requires_grad]
        # 1e-15: a hash grid's rows get gradients far below the usual 1e-8, and are to learn.
        self._optimiser = torch.optim.AdamW(
            learned, lr=recipe.rate, eps=1e-15, weight_decay=recipe.decay
        )
        self._caution = 1.0
        self.pace(0.0)
        self._kept = self.state()

    @property
    def rate(self) -> float:
        """Of the last step."""
        return float(self._optimiser.param_groups[0]["lr"])

    def pace(self, u: float) -> None:
        """Set all that a schedule tells."""
        recipe, self.progress = self._recipe, u
        rate = stairs_rate(u) if recipe.stairs else cosine_rate(u)
        for group in self._optimiser.param_groups:
            group["lr"] = self._caution * recipe.rate * rate
        if recipe.sharpest > 0.0:
            self.surface.set_sharpness(recipe.sharpest**u * recipe.design.sharpness ** (1.0 - u))
        if recipe.levels is not None and self.surface.grid is not None:
            self.surface.grid.active_levels = recipe.levels.active(u)
            self.surface.step = recipe.levels.step(u)

    def step(self, u: float) -> Figures:
        """Learn from the next batch at progress u; raises `FallenBack`."""
        recipe, group = self._recipe, self._group
        # The rate of a first step at u = 0 would be 0: a step stands at its end.
        self.pace(min(u + 1.0 / recipe.num_steps, 1.0))
        key = (self._seed, self.num_done, group.rank)
        batch = self._photos.draw(key, recipe.rays, recipe.points, group.device)
        curvature = 0.0 if recipe.levels is None else recipe.levels.curvature(u)
        slope = min(u / recipe.annealed, 1.0) if recipe.annealed > 0.0 else 1.0
        judged: Judged = self._objective(batch, slope, curvature)
        self._optimiser.zero_grad(set_to_none=True)
        judged.loss.backward()  # type: ignore[no-untyped-call]
        self.num_done += 1
        if not _is_finite([each.grad for each in self._optimiser.param_groups[0]["params"]]):
            self._fall_back()
            raise FallenBack
        if self.num_done % KEPT_EVERY == 0:  # what has just been seen to be sound
            self._kept = self.state()
        self._optimiser.step()
        error = max(float(judged.error), 1e-10)
        return Figures(
            loss=float(judged.loss.detach()),
            psnr=-10.0 * math.log10(error),
            eikonal=float(judged.eikonal),
            sharpness=float(self.surface.sharpness.detach()),
        )

    def state(self) -> Mapping[str, NDArray[Any]]:
        """All that is needed to go on, but the photographs and the recipe."""
        saved = {f"surface.{name}": value for name, value in self.surface.state_dict().items()}
        for index, values in self._optimiser.state_dict()["state"].items():
            saved |= {f"{name}.{index}": values[name] for name in (*MOMENTS, "step")}
        arrays = {name: value.detach().cpu().numpy().copy() for name, value in saved.items()}
        arrays["place"] = np.array([self.num_done, self.progress, self._caution])
        return arrays

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        tensors = {name: torch.from_numpy(np.array(value)) for name, value in state.items()}
        surface = {
            name.removeprefix("surface."): value
            for name, value in tensors.items()
            if name.startswith("surface.")
        }
        self.surface.load_state_dict(surface)
        optimiser = self._optimiser.state_dict()
        numbers = [int(name.rpartition(".")[2]) for name in state if name.startswith("step.")]
        optimiser["state"] = {
            index: {name: tensors[f"{name}.{index}"] for name in (*MOMENTS, "step")}
            for index in numbers
        }
        self._optimiser.load_state_dict(optimiser)
        done, u, caution = (float(value) for value in state["place"])
        self.num_done, self._caution = int(done), caution
        self.pace(u)
        self._kept = self.state()

    def _fall_back(self) -> None:
        done, caution = self.num_done, self._caution
        self.restore(self._kept)
        # The batch that did it is not drawn again.
        self.num_done, self._caution = done, caution * CAUTION


def _is_finite(gradients: list[Tensor | None]) -> bool:
    """Whether every number is one; after averaging the answer is the same in every process."""
    sums = [each.sum() for each in gradients if each is not None]
    return bool(torch.stack(sums).sum().isfinite())
