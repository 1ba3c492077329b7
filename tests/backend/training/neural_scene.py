# SPDX-License-Identifier: GPL-3.0-or-later
"""A small neural surface before the contract's ball, for tests in one process and in two.

Run as a program it is one of the processes that learn together: it writes its gradient to OUT.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from lightkiln.fields.neural_render import Sampling
from lightkiln.fields.neural_surface import Design, NeuralSurface
from lightkiln.testing import a_scene
from lightkiln.training.ball import BallPhotos, Batch, ball_about
from lightkiln.training.processes import group_on
from lightkiln.training.surface_fit import Recipe
from lightkiln.training.surface_objective import Objective, Weights

RECIPE = Recipe(
    design=Design(
        encoding=2,
        width=32,
        depth=2,
        skip=False,
        color_width=16,
        color_depth=1,
        world_width=0,
        world_depth=0,
        codes=2,
        num_photos=10,
        radius=0.5,
        sharpness=20.0,
        sharpness_gain=10.0,
        taps=4,
    ),
    sampling=Sampling(even=12, rounds=1, more=4, world=0),
    weights=Weights(color=1.0, eikonal=0.1, mask=0.1, curvature=1e-3, points=0.1),
    levels=None,
    num_steps=20,
    rays=64,
    points=8,
    rate=1e-3,
    stairs=False,
    decay=0.0,
    annealed=0.0,
    sharpest=0.0,
)


def photos() -> BallPhotos:
    """The contract's views, and points on its ball."""
    inputs = a_scene()
    points = np.random.default_rng(0).normal(size=(50, 3))
    points *= 0.5 / np.linalg.norm(points, axis=1, keepdims=True)
    return BallPhotos(inputs.views, ball_about(inputs.region), 64, points)


def a_batch(seed: int) -> Batch:
    return photos().draw((seed,), RECIPE.rays, RECIPE.points, torch.device("cpu"))


def an_objective() -> Objective:
    surface = NeuralSurface(RECIPE.design, 0)
    surface.step = 0.05  # long, or rounding shows in what is divided by its square
    return Objective(surface, RECIPE.weights, RECIPE.sampling)


def gradient(module: torch.nn.Module, batch: Batch) -> dict[str, np.ndarray]:
    """By parameter, of the loss of a batch."""
    module(batch, 1.0, 1.0).loss.backward()
    return {
        name.removeprefix("module."): each.grad.numpy()
        for name, each in module.named_parameters()
        if each.grad is not None
    }


def main() -> None:
    with group_on("cpu") as group:
        found = gradient(group.joined(an_objective()), a_batch(group.rank))
        heard = list(group.together(range(3 + group.rank)))
        first = group.of_the_first(10.0 + group.rank)
    out = Path(sys.argv[1]) / f"{group.rank}.npz"
    np.savez(out, heard=np.array(heard), first=np.array(first), **found)


if __name__ == "__main__":
    main()
