# SPDX-License-Identifier: GPL-3.0-or-later
"""The one loop that teaches every learned method: `lightkiln train METHOD`.

Steps are numbered and batches drawn by that number, so a training that was broken off goes on where
it was, bit for bit on the same machine. What is kept are the means of the parameters over the steps
(EMA), judged now and then on things kept for validation; if they gain nothing for `patience`
judgements, it ends. Under torchrun several processes learn together, each from batches of its own.
It must not know what is learned.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightkiln_shared.errors import UserError
from PIL import Image
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lightkiln.ops.chance import seed_of
from lightkiln.training.processes import Group

from . import weights
from .lesson import Batch, Figures, Lesson, Pupil

FILE, STATE, CURVE = "weights.safetensors", "state.safetensors", "curve.json"
TOLD_EVERY = 20
MEAN_OVER = 0.002
"""Of the newest parameters in the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How long and how hard."""

    steps: int = 1_000_000
    minutes: float = 15.0
    """Whichever is over first ends it; rates fall towards that end."""
    batch: int = 0
    """0: the lesson's own."""
    seed: int = 0
    judged_every: int = 250
    patience: int = 12
    """Judgements without a gain after which it ends."""


Told = Callable[[int, Figures], None]


def train(
    lesson: Lesson, about: weights.About, folder: Path, recipe: Recipe, group: Group, told: Told
) -> Path:
    """Teach a network, or go on with what lies in the folder; returns the weights' file.

    Raises `UserError` where what lies there cannot be gone on with.
    """
    folder.mkdir(parents=True, exist_ok=True)
    course = Course(lesson, about, folder, recipe, group)
    for batch in course.batches():
        figures = course.learn(batch)
        if course.pupil.step % TOLD_EVERY == 0:
            told(course.pupil.step, figures)
        if course.pupil.step % recipe.judged_every == 0:
            told(course.pupil.step, course.judge())
    course.judge()
    return folder / FILE


class Course:
    """A network, its mean and what is to be remembered."""

    def __init__(
        self, lesson: Lesson, about: weights.About, folder: Path, recipe: Recipe, group: Group
    ) -> None:
        self._lesson, self._about, self._folder = lesson, about, folder
        self._recipe, self._group = recipe, group
        torch.manual_seed(recipe.seed)
        network = lesson.network().to(group.device)
        self._mean = deepcopy(network).requires_grad_(False).eval()
        self.pupil = Pupil(network, lesson.optimisers(network), group.device)
        self._curve: list[dict[str, float]] = []
        self._recent: list[float] = []
        self._before = 0.0
        if (folder / STATE).exists():
            self._restore()
        self._began = time.monotonic()

    def batches(self) -> Generator[Batch, None, None]:
        """What the steps look at, one drawn ahead, until the course is over."""
        with ThreadPoolExecutor(1) as ahead:
            coming = ahead.submit(self._drawn, self.pupil.step)
            while not self._is_over():
                batch = coming.result()
                coming = ahead.submit(self._drawn, self.pupil.step + 1)
                yield {name: value.to(self._group.device) for name, value in batch.items()}

    @property
    def mean(self) -> nn.Module:
        """What is kept."""
        return self._mean

    def learn(self, batch: Batch) -> Figures:
        """One step; its figures, with the mean of the newest losses."""
        self.pupil.network.train()
        torch.manual_seed(seed_of(self._recipe.seed, self.pupil.step, self._group.rank))
        figures = self._lesson.learn(self.pupil, batch)
        self.pupil.step += 1
        self._follow()
        self._recent = [*self._recent[1 - TOLD_EVERY :], figures["loss"]]
        return {**figures, "loss": float(np.mean(self._recent))}

    def judge(self) -> Figures:
        """Judge the mean, and leave weights, state, curve and pictures of the best and newest."""
        if not self._group.is_first:
            return {}
        figures = self._lesson.judged(self._mean)
        worth = next(iter(figures.values()))
        is_best = worth >= max((each["worth"] for each in self._curve), default=-math.inf)
        loss = float(np.mean(self._recent)) if self._recent else math.nan
        self._curve.append(
            {
                "step": self.pupil.step,
                "minutes": self._seconds() / 60.0,
                "loss": loss,
                "worth": worth,
                **figures,
            }
        )
        if is_best or not (self._folder / FILE).exists():
            weights.save(self._mean, replace(self._about, figures=figures), self._folder / FILE)
        self.save()
        for name, picture in self._lesson.pictures(self._mean).items():
            Image.fromarray(picture).save(self._folder / f"{name}.png")
        return figures

    def save(self) -> None:
        """Leave what a training goes on from."""
        _write_state(self._state(), self._folder / STATE)
        (self._folder / CURVE).write_text(json.dumps(self._curve, indent=1), encoding="utf-8")

    def _drawn(self, step: int) -> Batch:
        draw = np.random.default_rng([self._recipe.seed, step, self._group.rank])
        return self._lesson.batch(draw, self._recipe.batch or self._lesson.batch_size)

    def _is_over(self) -> bool:
        done = max(
            self.pupil.step / self._recipe.steps, self._seconds() / 60.0 / self._recipe.minutes
        )
        self.pupil.progress = self._group.of_the_first(done)
        worths = [each["worth"] for each in self._curve]
        since = len(worths) - 1 - int(np.argmax(worths)) if worths else 0
        return self._group.of_the_first(float(done >= 1.0 or since >= self._recipe.patience)) > 0.0

    def _follow(self) -> None:
        """The mean takes a little of the newest, statistics of batches too, which belong to the
        parameters of their time."""
        share = max(MEAN_OVER, 9.0 / (self.pupil.step + 10))  # the first are soon forgotten
        new = self.pupil.network
        with torch.no_grad():
            for mean, other in zip(self._mean.parameters(), new.parameters(), strict=True):
                mean.lerp_(other, share)
            for kept, newest in zip(self._mean.buffers(), new.buffers(), strict=True):
                if kept.is_floating_point():
                    kept.lerp_(newest, share)
                else:
                    kept.copy_(newest)

    def _seconds(self) -> float:
        return self._before + time.monotonic() - self._began

    def _state(self) -> dict[str, Tensor]:
        state = {f"network.{k}": v for k, v in self.pupil.network.state_dict().items()}
        state |= {f"mean.{k}": v for k, v in self._mean.state_dict().items()}
        for number, optimiser in enumerate(self.pupil.optimisers):
            for index, kept in optimiser.state_dict()["state"].items():
                state |= {f"optimiser.{number}.{index}.{k}": v for k, v in kept.items()}
        place = [self.pupil.step, self._seconds(), self._recipe.seed]
        state["place"] = torch.tensor(place, dtype=torch.float64)
        return {name: value.detach().cpu().contiguous() for name, value in state.items()}

    def _restore(self) -> None:
        try:
            state = load_file(self._folder / STATE)
            self.pupil.network.load_state_dict(_below("network.", state))
            self._mean.load_state_dict(_below("mean.", state))
        except (SafetensorError, RuntimeError, KeyError):
            raise UserError(
                f"The training in {self._folder.name} is damaged, or of another network.",
                hint="Give another folder, or the method and size with which it was begun.",
            ) from None
        self.pupil.step, self._before = int(state["place"][0]), float(state["place"][1])
        for number, optimiser in enumerate(self.pupil.optimisers):
            _fill(optimiser, _below(f"optimiser.{number}.", state))
        self._curve = json.loads((self._folder / CURVE).read_text(encoding="utf-8"))


def _below(prefix: str, state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}


def _fill(optimiser: torch.optim.Optimizer, kept: dict[str, Tensor]) -> None:
    whole = optimiser.state_dict()
    state: dict[int, dict[str, Any]] = {}
    for name, value in kept.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = value
    optimiser.load_state_dict({**whole, "state": state})


def _write_state(state: dict[str, Tensor], path: Path) -> None:
    """Whole or not at all: a disk may be full, or the power go."""
    beside = path.with_name(path.name + ".part")
    save_file(state, beside)
    beside.replace(path)
