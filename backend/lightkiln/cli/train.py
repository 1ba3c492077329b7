# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln train METHOD DATASET -o FOLDER`: teach a learned method, or the prior, anew.

The folder gets `weights.safetensors`, the curve, sample pictures, and the state from which a
training that was broken off goes on. It must not know how anything is learned.
"""

from __future__ import annotations

import importlib
import math
from pathlib import Path
from typing import Annotated, Any

import typer
from lightkiln_shared.errors import InvalidParams, UserError
from rich.console import Console

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
    size: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=NUMBER", help="Of the network, other than the one shipped."),
    ] = None,
    large: Annotated[bool, typer.Option("--large", help="A network for a GPU.")] = False,
    seed: Annotated[int, typer.Option(help="Decides what is shown when.")] = 0,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write the curves for TensorBoard.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
) -> None:
    """Teach a learned method, or the built-in prior, anew."""
    catalogue = importlib.import_module("lightkiln.learned.catalogue")
    known = catalogue.learner(learner)
    if known.own_data and output is None:
        folder, output = None, folder
    course = importlib.import_module("lightkiln.learned.course")
    lesson, about = catalogue.lesson_of(
        learner, folder, size={**(known.large if large else {}), **_sizes(learner, known, size)}
    )
    minutes = minutes or known.minutes
    recipe = course.Recipe(steps=steps, minutes=minutes, batch=batch, seed=seed)
    told = _Told(output or Path(learner), tensorboard)
    processes = importlib.import_module("lightkiln.training.processes")
    with processes.group_on(device) as group, told:
        told.is_first = group.is_first
        weights = course.train(lesson, about, told.folder, recipe, group, told)
    told.console.print(f"The weights are in {weights}.")


class _Told:
    """Figures to the terminal, and to TensorBoard if that is wanted; of the first process alone."""

    def __init__(self, folder: Path, tensorboard: bool) -> None:
        self.folder, self.console, self.is_first = folder, Console(), True
        self._board: Any = _board(folder) if tensorboard else None

    def __call__(self, step: int, figures: dict[str, float]) -> None:
        if not self.is_first:
            return
        self.console.print(f"step {step:6}   {_said(figures)}")
        for name, value in figures.items() if self._board is not None else ():
            self._board.add_scalar(name, value, step)

    def __enter__(self) -> _Told:
        return self

    def __exit__(self, *_: object) -> None:
        if self._board is not None:
            self._board.close()


def _board(folder: Path) -> Any:
    """Where TensorBoard's curves go; raises `UserError` without the extra."""
    try:
        return importlib.import_module("torch.utils.tensorboard").SummaryWriter(str(folder))
    except ImportError:
        raise UserError(
            "TensorBoard is not installed.", hint="pip install 'lightkiln[tensorboard]'."
        ) from None


def _sizes(name: str, known: Any, texts: list[str] | None) -> dict[str, int]:
    """Numbers by name; raises `InvalidParams`."""
    pairs = [text.partition("=") for text in texts or ()]
    for key, _, number in pairs:
        if key not in known.sizes or not number.isdecimal():
            raise InvalidParams(
                f"{name} has no size {key}={number}.",
                hint=f"Use --size NAME=NUMBER with one of {', '.join(known.sizes)}."
                if known.sizes
                else "Its size is fixed.",
            )
    return {key: int(number) for key, _, number in pairs}


def _said(figures: dict[str, float]) -> str:
    return "   ".join(
        f"{name} {value:.4f}" for name, value in figures.items() if math.isfinite(value)
    )
