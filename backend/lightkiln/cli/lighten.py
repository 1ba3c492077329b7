# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln lighten METHOD -o FILE`: a learned method's weights in fewer bits, for small devices.

With a dataset it also says what that costs. It must not know how weights are kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import torch
import typer
from rich.console import Console
from rich.table import Table

from lightkiln.learned import catalogue, weights
from lightkiln.learned.light import Bits
from lightkiln.learned.world.plan import Split


def lighten(
    learner: Annotated[str, typer.Argument(help="A learned method's name.")],
    dataset: Annotated[
        Path | None, typer.Argument(help="On whose test things the loss is measured.")
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file: .safetensors.")] = Path(
        "light.safetensors"
    ),
    bits: Annotated[Bits, typer.Option(help="How a number is kept.")] = Bits.INT8,
    given: Annotated[
        Path | None, typer.Option("--weights", help="A file; without it, its own.")
    ] = None,
) -> None:
    """Write weights in fewer bits, and say what is lost."""
    path = given or catalogue.own_weights(learner)
    about = weights.about(path, learner)
    weights.lighten(path, about, output, bits)
    figures = []
    if dataset is not None or catalogue.learner(learner).own_data:
        lesson, _ = catalogue.lesson_of(learner, dataset, Split.TEST, about.size)
        network = lesson.network()
        for file in (path, output):
            weights.load_into(network, file, torch.device("cpu"))
            figures.append(lesson.judged(network, dict(about.figures)))
    _tell(path, output, figures)


def _tell(path: Path, output: Path, figures: list[dict[str, float]]) -> None:
    console = Console(highlight=False)
    table = Table("", "before", "after", box=None, pad_edge=False)
    table.add_row("MB", *(f"{each.stat().st_size / 1e6:.2f}" for each in (path, output)))
    for name in figures[0] if figures else ():
        table.add_row(name.replace("_", " "), *(f"{each[name]:.4f}" for each in figures))
    console.print(table)
    console.print(f"The weights are in {output}.")
