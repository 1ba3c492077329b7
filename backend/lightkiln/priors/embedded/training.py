# SPDX-License-Identifier: GPL-3.0-or-later
"""Teaches the built-in prior: `lightkiln train prior`.

    L = E w(t) |x(z_t, t, c) - x|² + |sketch(c) - x|²
    t² ~ U(0, 1),   z_t = a x + s e,   w = min(1 / s², 1 / S²)

The network answers with the clean picture, which is simple, and not with the noise, which would not
pass through layers as narrow as a patch is deep (Li and He 2025, arXiv:2511.13720); 1 / s² makes
that the loss in v (Salimans and Ho 2022, arXiv:2202.00512), and S bounds it where s vanishes. Noisy
pictures are drawn more often than others: of those the words decide.
Words are left out of every tenth picture, so that the network knows what "nothing said" looks like
(Ho and Salimans 2022, arXiv:2207.12598); viewpoint and style are always told. What is kept are the
means of the parameters over the steps (EMA). Steps are numbered and pictures drawn by that number:
a training that was broken off goes on where it was. It must not know how it is called.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from copy import deepcopy
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor

from lightkiln.fields.short_numbers import short_numbers
from lightkiln.ops.chance import generator_of
from lightkiln.priors.schedule import cosine, noisy

from .network import Network
from .pictures import Shown, drawn
from .prior import FILE, new_network

SILENT_SHARE = 0.1
"""Of the pictures, those of which nothing is said."""
LEAST_POWER = 0.1
"""S²: pictures of less noise than this count no more than those."""
RATE, RATE_LEFT, WARM_STEPS = 1e-3, 0.02, 200
BETAS, DECAY = (0.9, 0.99), 1e-3
MEAN_OVER = 0.001
"""Of the newest parameters in the mean."""
CLIP = 1.0
SAVED_EVERY, TOLD_EVERY = 500, 50
STATE, CURVE = "state.safetensors", "curve.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and how hard."""

    steps: int = 20_000
    minutes: float = 110.0
    """Whichever is over first ends it; rates fall towards that end."""
    batch: int = 32
    seed: int = 0
    device: str = "cpu"


Told = Callable[[int, float, float], None]
"""Step, loss, pictures a second."""


def train(folder: Path, recipe: Recipe, told: Told) -> Path:
    """Teach a network, or go on with what lies in the folder; returns the weights' file."""
    course = Course(folder, recipe)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as ahead:
        coming = ahead.submit(drawn, (recipe.seed, course.step), recipe.batch)
        while course.progress() < 1.0:
            shown = coming.result()
            coming = ahead.submit(drawn, (recipe.seed, course.step + 1), recipe.batch)
            loss = course.learn(shown)
            if course.step % TOLD_EVERY == 0:
                told(course.step, loss, course.speed())
            if course.step % SAVED_EVERY == 0:
                course.save()
        coming.cancel()
    course.save()
    return folder / FILE


class Course:
    """A network at its lessons."""

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        self.step, self._before = 0, 0.0
        self._folder, self._recipe = folder, recipe
        folder.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(recipe.seed)
        self._network = new_network().to(recipe.device)
        self._mean = deepcopy(self._network).requires_grad_(False)
        self._optimiser = torch.optim.AdamW(
            self._network.parameters(), lr=RATE, betas=BETAS, weight_decay=DECAY
        )
        self._losses: list[float] = []
        self._curve: list[dict[str, float]] = []
        if (folder / STATE).exists():
            self._restore()
        self._began, self._first = time.monotonic(), self.step

    def progress(self) -> float:
        """Of the whole course, by steps or by the clock, whichever is further."""
        return max(self.step / self._recipe.steps, self._seconds() / 60.0 / self._recipe.minutes)

    def speed(self) -> float:
        """Pictures a second."""
        seconds = max(time.monotonic() - self._began, 1e-3)
        return (self.step - self._first) * self._recipe.batch / seconds

    def learn(self, shown: Shown) -> float:
        """One step; returns its loss."""
        loss = self._loss(shown, generator_of(self._recipe.seed, self.step))
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self._network.parameters(), CLIP)
        for group in self._optimiser.param_groups:
            group["lr"] = _rate(self.step, self.progress())
        self._optimiser.step()
        self.step += 1
        share = max(MEAN_OVER, 9.0 / (self.step + 10))  # the first ones are soon forgotten
        with torch.no_grad():
            for mean, new in zip(self._mean.parameters(), self._network.parameters(), strict=True):
                mean.lerp_(new, share)
        self._losses.append(float(loss.detach()))
        return float(np.mean(self._losses[-TOLD_EVERY:]))

    def save(self) -> None:
        """Leave the state to go on from, the means as weights, and the curve."""
        self._curve.append(
            {"step": self.step, "minutes": self._seconds() / 60.0, "loss": self._recent()}
        )
        save_weights(self._mean, self._folder / FILE)
        save_file(self._state(), self._folder / STATE)
        (self._folder / CURVE).write_text(json.dumps(self._curve, indent=1), encoding="utf-8")

    def _loss(self, shown: Shown, draw: torch.Generator) -> Tensor:
        device = self._recipe.device
        clean = signed(shown.pictures)
        silent = torch.rand(len(clean), generator=draw) < SILENT_SHARE
        things = torch.from_numpy(shown.things).masked_fill(silent[:, None, None], 0)
        relation = torch.from_numpy(shown.relation).masked_fill(silent, 0)
        noise = torch.randn(clean.shape, generator=draw)
        t = torch.rand(len(clean), generator=draw).sqrt()
        abar = cosine(t)
        told = things, relation, torch.from_numpy(shown.camera), torch.from_numpy(shown.style)
        with short_numbers(torch.device(device)):
            meant = self._network.tell(*(each.to(device) for each in told))
            said = self._network(noisy(clean, noise, abar).to(device), t.to(device), meant)
        clean, weight = clean.to(device), (1.0 - abar).clamp(min=LEAST_POWER).reciprocal()
        sketched = missed(meant.sketch, clean).mean()
        loss: Tensor = (weight.to(device) * missed(said, clean)).mean() + sketched
        return loss

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def _recent(self) -> float:
        return float(np.mean(self._losses[-SAVED_EVERY:])) if self._losses else math.nan

    def _state(self) -> dict[str, Tensor]:
        state = {f"network.{k}": v for k, v in self._network.state_dict().items()}
        state |= {f"mean.{k}": v for k, v in self._mean.state_dict().items()}
        for index, parameter in enumerate(self._network.parameters()):
            for name, value in self._optimiser.state[parameter].items():
                state[f"optimiser.{index}.{name}"] = value
        state["place"] = torch.tensor([self.step, self._seconds()], dtype=torch.float64)
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}

    def _restore(self) -> None:
        state = load_file(self._folder / STATE)
        self.step, self._before = int(state["place"][0]), float(state["place"][1])
        for name, network in (("network.", self._network), ("mean.", self._mean)):
            own = {k.removeprefix(name): v for k, v in state.items() if k.startswith(name)}
            network.load_state_dict(own)
        for index, parameter in enumerate(self._network.parameters()):
            prefix = f"optimiser.{index}."
            self._optimiser.state[parameter] = {
                k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)
            }
        self._curve = json.loads((self._folder / CURVE).read_text(encoding="utf-8"))


def save_weights(network: Network, path: Path) -> None:
    """Sixteen bits a number: the loss in quality is far below a step of 8-bit colour."""
    state = {k: v.detach().cpu().half().contiguous() for k, v in network.state_dict().items()}
    save_file(state, path, metadata={"licence": "GPL-3.0-or-later", "made by": "Lightkiln"})


def missed(said: Float[Tensor, "n c h w"], clean: Float[Tensor, "n c h w"]) -> Float[Tensor, " n"]:
    """The mean square of each picture."""
    return (said.float() - clean).square().mean(dim=(1, 2, 3))


def signed(pictures: UInt8[NDArray[Any], "n h w 4"]) -> Float[Tensor, "n 4 h w"]:
    """Pictures as the network has them, in [-1, 1]."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1.0


def _rate(step: int, progress: float) -> float:
    """Up over the first steps, then down by a cosine."""
    falling = RATE_LEFT + (1.0 - RATE_LEFT) * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    return RATE * min(1.0, (step + 1) / WARM_STEPS) * falling
