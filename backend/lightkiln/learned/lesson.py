# SPDX-License-Identifier: GPL-3.0-or-later
"""What a learned method tells the course that teaches it, and what it is given there.

A method's lesson knows its data, its network and its loss; the course knows time, rates, states and
curves. It must not know files or processes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor, distributed, nn

Batch = Mapping[str, Tensor]
Figures = dict[str, float]

RATE_LEFT, WARM_STEPS = 0.02, 100
CLIP = 1.0
"""Largest norm of a step's gradient: one odd batch shall not undo many."""


@dataclass(slots=True)
class Pupil:
    """A network at its lessons."""

    network: nn.Module
    optimisers: Sequence[torch.optim.Optimizer]
    device: torch.device
    step: int = 0
    progress: float = 0.0
    """Of the whole course, in [0, 1]."""
    rates: list[float] = field(default_factory=list)
    """Each optimiser's, at their highest."""

    def __post_init__(self) -> None:
        self.rates = [each.param_groups[0]["lr"] for each in self.optimisers]

    def learn(self, loss: Tensor, which: int = 0) -> None:
        """Take a step against a loss's gradient with one of the optimisers."""
        optimiser = self.optimisers[which]
        parameters = [p for group in optimiser.param_groups for p in group["params"]]
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        _average(parameters)
        torch.nn.utils.clip_grad_norm_(parameters, CLIP)
        for group in optimiser.param_groups:
            group["lr"] = self.rates[which] * _share(self.step, self.progress)
        optimiser.step()


def agreed(value: float, device: torch.device) -> float:
    """The mean over all processes: what several must decide alike is decided by it."""
    if not distributed.is_initialized():
        return value
    shared = torch.tensor(value, device=device)
    distributed.all_reduce(shared)
    return float(shared) / distributed.get_world_size()


class Lesson(Protocol):
    """A learned method as it is taught."""

    batch_size: int

    def network(self) -> nn.Module:
        """A new one; torch's seed is set."""

    def optimisers(self, network: nn.Module) -> Sequence[torch.optim.Optimizer]:
        """One, or one for each of several networks that learn in turn; rates are the highest."""

    def batch(self, draw: Generator, count: int) -> Batch:
        """Draw what a step looks at, on the processor, from the things for training."""

    def learn(self, pupil: Pupil, batch: Batch) -> Figures:
        """One step; figures of it, `loss` first."""

    def judged(self, network: nn.Module, told: Figures | None = None) -> Figures:
        """Figures on the things kept apart; the larger the first, the better.

        `told` are those of validation that the weights' file keeps: what was chosen there, a
        threshold for one, is not chosen again on the things of the test.
        """

    def pictures(self, network: nn.Module) -> Mapping[str, NDArray[Any]]:
        """Samples for the report (H, W, 3) uint8, by name; they may be none."""


def adam(network: nn.Module, rate: float, decay: float = 1e-4) -> Sequence[torch.optim.Optimizer]:
    """The optimiser of most lessons: AdamW (arXiv:1711.05101)."""
    return [torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=decay)]


def _share(step: int, progress: float) -> float:
    """Of the highest rate: up over the first steps, then down by a cosine."""
    falling = RATE_LEFT + (1.0 - RATE_LEFT) * 0.5 * (1.0 + math.cos(math.pi * min(progress, 1.0)))
    return min(1.0, (step + 1) / WARM_STEPS) * falling


def _average(parameters: Iterable[nn.Parameter]) -> None:
    """The mean of all processes' gradients, where several learn together."""
    if not distributed.is_initialized():
        return
    for parameter in parameters:
        if parameter.grad is not None:
            distributed.all_reduce(parameter.grad)
            parameter.grad /= distributed.get_world_size()
