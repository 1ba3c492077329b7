# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln train METHOD DATASET -o FOLDER` teaches a learned method, `train prior FOLDER` the
built-in prior.

The folder gets `weights.safetensors`, the curve, sample pictures, and the state from which a
training that was broken off goes on. It must not know how anything is learned.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.errors import UserError
from rich.console import Console

PRIOR = "prior"
MINUTES = {PRIOR: 110.0}
"""Of those that learn longer than the others."""
Speed = Annotated[int, typer.Option(min=0, help="Things or pictures of a step; 0: its own.")]


def train(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    learner: Annotated[
        str, typer.Argument(help="What is to learn: a learned method's name, or prior.")
    ],
    folder: Annotated[
        Path | None,
        typer.Argument(help="The dataset; for what draws its own data, where the result goes."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="Where it goes; one that is there goes on."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.0, help="It ends after these; 0: as suits what learns.")
    ] = 0.0,
    steps: Annotated[int, typer.Option(min=1, help="Or after these, if sooner.")] = 1_000_000,
    batch: Speed = 0,
    seed: Annotated[int, typer.Option(help="Decides what is shown when.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Teach a learned method, or the built-in prior, anew."""
    console = Console()
    minutes = minutes or MINUTES.get(learner, 15.0)
    if learner == PRIOR:
        _train_prior(
            output or folder, console, minutes, min(steps, 20_000), batch or 32, seed, device
        )
        return
    catalogue = importlib.import_module("lightkiln.learned.catalogue")
    if catalogue.learner(learner).own_data and output is None:
        folder, output = None, folder
    course = importlib.import_module("lightkiln.learned.course")
    lesson, about = catalogue.lesson_of(learner, folder)
    recipe = course.Recipe(steps=steps, minutes=minutes, batch=batch, seed=seed)
    processes = importlib.import_module("lightkiln.training.processes")
    with processes.group_on(device) as group:

        def told(step: int, figures: dict[str, float]) -> None:
            if group.is_first:
                console.print(f"step {step:6}   {_said(figures)}")

        weights = course.train(lesson, about, output or Path(learner), recipe, group, told)
    console.print(f"The weights are in {weights}.")


def _train_prior(
    folder: Path | None,
    console: Console,
    minutes: float,
    steps: int,
    batch: int,
    seed: int,
    device: str,
) -> None:
    if folder is None:
        raise UserError("Where shall the weights go?", hint="lightkiln train prior FOLDER.")
    training = importlib.import_module("lightkiln.priors.embedded.training")
    recipe = training.Recipe(minutes=minutes, steps=steps, batch=batch, seed=seed, device=device)

    def told(step: int, loss: float, speed: float) -> None:
        console.print(f"step {step:6}   loss {loss:.4f}   {speed:.0f} pictures a second")

    console.print(f"The weights are in {training.train(folder, recipe, told)}.")


def _said(figures: dict[str, float]) -> str:
    return "   ".join(
        f"{name} {value:.4f}" for name, value in figures.items() if math.isfinite(value)
    )
