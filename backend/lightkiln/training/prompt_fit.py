# SPDX-License-Identifier: GPL-3.0-or-later
"""A solid that becomes what a prior sees in it: its optimiser, its steps and its state.

A step renders pictures, asks the guide where they should go, adds what is known and what a solid
should be like, and moves. A step whose loss is no number is not taken: `FallenBack` is raised after
the state has gone back to the last one kept, and rates are halved.
It must not know phases, previews or meshes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lightkiln.fields.solid import Solid
from lightkiln.ops.chance import generator_of
from lightkiln.ops.solid_losses import decided_loss, likeness_loss, orientation_loss, sparse_loss
from lightkiln.priors.manifest import Manifest, Style
from lightkiln.priors.prior import Viewpoints

from .distillation.guide import Guidance, Guide
from .lamps import lamps_for
from .prompt_render import Rendering, rendered
from .prompt_views import drawn_style, drawn_viewpoints, part, placed
from .references import References
from .surface_fit import CAUTION, KEPT_EVERY, FallenBack
from .viewing import cameras_at, shaken

BETAS, TINY = (0.9, 0.99), 1e-15
"""Adam's; so tiny since the slopes far from the surface are, and are worth as much."""
ORIENTED_FIRST, ORIENTED_BY = 0.01, 1.0 / 3.0
"""Of the orientation loss's weight at the start, and the progress at which all of it is there: what
is still a mist faces nowhere (DreamFusion: 1e-4 to 1e-2 over the first 5k of 15k steps)."""


class Stage(Protocol):
    """A solid and how it is led through the run."""

    @property
    def solid(self) -> Solid: ...

    def prepare(self, u: float) -> bool:
        """Make it what it is to be at u; True: what is learned is another tensor now."""

    def rates(self, u: float) -> dict[str, float]:
        """Of Adam, by the names of the solid's parts."""

    def settle(self, num_done: int) -> None:
        """After a step."""

    def state(self) -> dict[str, NDArray[Any]]:
        """What it has learned."""

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Have it again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptRecipe:
    """How a solid learns."""

    batch: int
    """Pictures of a step."""
    size: int
    """Their pixels along a side in the end."""
    size_first: int
    """And before `grown`."""
    grown: float
    """Progress."""
    colors_until: float
    """Progress before which nothing is lit."""
    weights: Mapping[str, float]
    """Of the losses beside the prior's, by name."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What a step saw."""

    loss: float
    """All of it but the guide's, which means nothing as a number."""
    told: Mapping[str, float] = field(default_factory=dict)
    """What the guide told."""


class PromptFit:
    """A solid at work."""

    def __init__(
        self,
        stage: Stage,
        guide: Guide,
        manifest: Manifest,
        recipe: PromptRecipe,
        references: tuple[References, ...],
        seed: int,
    ) -> None:
        self.stage, self.num_done = stage, 0
        self._guide, self._manifest, self._recipe = guide, manifest, recipe
        self._references, self._seed = references, seed
        self._caution = 1.0
        stage.prepare(0.0)
        self._optimiser = self._fresh()
        self._kept = self.state()

    def step(self, u: float) -> Figures:
        """Learn at progress u; raises `FallenBack`."""
        if self.stage.prepare(u):
            self._optimiser = self._fresh()
        draw = generator_of(self._seed, self.num_done)
        guidance, loss = self._guided(u, draw)
        for each in self._references:
            loss = loss + each.weight_at(u) * self._missed(each, draw)
        self.num_done += 1
        told = float(loss.detach())
        if not (math.isfinite(told) and math.isfinite(float(guidance.loss.detach()))):
            self._fall_back()
            raise FallenBack
        if self.num_done % KEPT_EVERY == 0:  # what has just been seen to be sound
            self._kept = self.state()
        self._move(guidance.loss / guidance.latents[0].numel() + loss, u)
        return Figures(loss=told, told=guidance.figures)

    def state(self) -> dict[str, NDArray[Any]]:
        """What is needed to go on; the optimiser's memory starts anew, and soon knows as much."""
        guide = {f"guide.{name}": np.copy(value) for name, value in self._guide.state().items()}
        place = np.array([self.num_done, self._caution])
        return {**self.stage.state(), **guide, "place": place}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state."""
        told = "guide."
        self._guide.load(
            {name.removeprefix(told): value for name, value in state.items() if told in name}
        )
        self.stage.restore({n: v for n, v in state.items() if told not in n and n != "place"})
        self.num_done, self._caution = int(state["place"][0]), float(state["place"][1])
        self._optimiser = self._fresh()
        self._kept = self.state()

    @property
    def _device(self) -> torch.device:
        return next(self.stage.solid.parameters()).device

    def _guided(self, u: float, draw: torch.Generator) -> tuple[Guidance, Tensor]:
        """What the guide says of new pictures, and the losses of the solid itself."""
        manifest, recipe = self._manifest, self._recipe
        viewpoints = placed(drawn_viewpoints(manifest, recipe.batch, draw), self._device)
        style = drawn_style(manifest, u, recipe.colors_until, draw)
        size = recipe.size if u >= recipe.grown else recipe.size_first
        shown = self._rendered(viewpoints, style, size, draw)
        pictures = shown.with_alpha
        if manifest.channels == 3:
            backdrop = torch.rand((len(pictures), 3, 1, 1), generator=draw).to(self._device)
            pictures = shown.before(backdrop)
        guidance = self._guide(pictures, viewpoints, style, u)
        return guidance, self._own(shown, u)

    def _own(self, shown: Rendering, u: float) -> Tensor:
        losses = self.stage.solid.regular() | {
            "sparse": sparse_loss(shown.opacity),
            "decided": decided_loss(shown.opacity),
        }
        sections = shown.sections
        if sections.slope is not None:
            directions = shown.rays.directions[sections.ray]
            losses["orientation"] = oriented(u) * orientation_loss(
                sections.weights, sections.normals, directions, len(sections.left)
            )
        weights = self._recipe.weights
        asked = [weights[name] * loss for name, loss in losses.items() if weights.get(name, 0.0)]
        return torch.stack(asked).sum() if asked else shown.opacity.new_zeros(())

    def _missed(self, known: References, draw: torch.Generator) -> Tensor:
        """How far the solid is from one of the pictures."""
        one = int(torch.randint(len(known.pictures), (1,), generator=draw))
        chosen = slice(one, one + 1)
        viewpoints = placed(part(known.viewpoints, chosen), self._device)
        shown = self._rendered(viewpoints, known.style, known.pictures.shape[-1], draw, steady=True)
        return likeness_loss(shown.with_alpha, known.pictures[chosen].to(self._device))

    def _rendered(
        self,
        viewpoints: Viewpoints,
        style: Style,
        size: int,
        draw: torch.Generator,
        *,
        steady: bool = False,
    ) -> Rendering:
        cameras = cameras_at(viewpoints)
        if self._manifest.shaken > 0.0 and not steady:
            cameras = shaken(cameras, draw, self._manifest.shaken)
        lamps = lamps_for(self._manifest.light, self._manifest.coloured_lights, cameras, draw)
        return rendered(self.stage.solid, cameras, lamps, style, size, draw)

    def _move(self, loss: Tensor, u: float) -> None:
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        rates = self.stage.rates(u)
        for group in self._optimiser.param_groups:
            group["lr"] = self._caution * rates[group["name"]]
        self._optimiser.step()
        self.stage.settle(self.num_done)

    def _fresh(self) -> torch.optim.Optimizer:
        parts = self.stage.solid.parts().items()
        groups = [{"params": list(tensors), "name": name} for name, tensors in parts]
        return torch.optim.Adam(groups, lr=0.0, betas=BETAS, eps=TINY, fused=True)

    def _fall_back(self) -> None:
        done, caution = self.num_done, self._caution
        self.restore(self._kept)
        # What did it is not drawn again.
        self.num_done, self._caution = done, caution * CAUTION


def oriented(u: float) -> float:
    """The part of the orientation loss's weight that is there at progress u."""
    return ORIENTED_FIRST + (1.0 - ORIENTED_FIRST) * min(u / ORIENTED_BY, 1.0)
