# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln evaluate METHOD DATASET`: how a learned method does on things that it never saw.

It must not know how anything is learned or judged.
"""

from __future__ import annotations

from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from lightkiln.learned import catalogue, weights
from lightkiln.learned.world.plan import Split

from .telling import print_json


def by_dataset(method: str, dataset: Path | None, given: Path | None, *, as_json: bool) -> None:
    """Judge a file of weights, or the built-in ones, on the things kept for the test."""
    path = given or catalogue.own_weights(method)
    about = weights.about(path, method)
    lesson, _ = catalogue.lesson_of(method, dataset, Split.TEST, about.size)
    network = lesson.network()
    weights.load_into(network, path, torch.device("cpu"))
    figures = lesson.judged(network, dict(about.figures))
    if as_json:
        print_json({"method": method, "world": about.world, "figures": figures})
        return
    table = Table("figure", "on things never seen")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), f"{value:.4f}")
    console = Console()
    console.print(f"{method}, which knows {about.world}")
    console.print(table)
