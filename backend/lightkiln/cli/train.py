# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln train prior FOLDER`: teach the built-in prior anew, from pictures that are made here.

The folder gets `weights.safetensors`, the curve, and the state from which a training that was
broken off goes on. It must not know how anything is learned.
"""

from __future__ import annotations

import importlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


class Learner(StrEnum):
    PRIOR = "prior"


def train(
    learner: Annotated[Learner, typer.Argument(help="What is to learn.")],
    folder: Annotated[Path, typer.Argument(help="Where it goes; one that is there goes on.")],
    minutes: Annotated[float, typer.Option(min=0.01, help="It ends after these.")] = 110.0,
    steps: Annotated[int, typer.Option(min=1, help="Or after these, if sooner.")] = 20_000,
    batch: Annotated[int, typer.Option(min=1, help="Pictures of a step.")] = 32,
    seed: Annotated[int, typer.Option(help="Decides which pictures are shown.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Teach the built-in prior: by itself, on renderings of its own world."""
    training = importlib.import_module(f"lightkiln.priors.{_FOLDERS[learner]}.training")
    recipe = training.Recipe(minutes=minutes, steps=steps, batch=batch, seed=seed, device=device)
    console = Console()

    def told(step: int, loss: float, speed: float) -> None:
        console.print(f"step {step:6}   loss {loss:.4f}   {speed:.0f} pictures a second")

    weights = training.train(folder, recipe, told)
    console.print(f"The weights are in {weights}.")


_FOLDERS = {Learner.PRIOR: "embedded"}
