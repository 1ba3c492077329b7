# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln dataset make FOLDER`: pictures, voxels, distances and surfaces of the built-in world.

Broken off, it goes on where it was; `show` says what a folder holds. It must not know what learns
from it.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from lightkiln_shared.errors import UserError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.samples import Amounts
from lightkiln.learned.world.shards import Plan, Split, make, plan_of, split_of

SIDES = (16, 512)
"""Pixels of a picture."""


class Action(StrEnum):
    MAKE = "make"
    SHOW = "show"


def dataset(
    action: Annotated[Action, typer.Argument(help="make or show.")],
    folder: Annotated[Path, typer.Argument(help="Where it goes, or is.")],
    families: Annotated[
        str, typer.Option(help="Separated by commas; without it, all.", metavar="NAME,...")
    ] = "",
    count: Annotated[int, typer.Option(min=1, help="Things of each family.")] = 150,
    views: Annotated[int, typer.Option(min=1, max=64, help="Pictures of a thing.")] = 8,
    pixels: Annotated[int, typer.Option(min=SIDES[0], max=SIDES[1], help="Of a side.")] = 64,
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
) -> None:
    """Make what the learned methods are taught with, or say what a folder holds."""
    console = Console()
    if action is Action.SHOW:
        _show(folder, console)
        return
    if folder.is_file():
        raise UserError(f"{folder.name} is a file.", hint="Give a folder.")
    names = tuple(name.strip() for name in families.split(",") if name.strip()) or tuple(FAMILIES)
    amounts = Amounts(views=views, pixels=pixels)
    columns = TextColumn("Things"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("things")
        make(
            folder,
            Plan(families=names, count=count, amounts=amounts),
            lambda done, total: bar.update(task, completed=done, total=total),
            workers,
        )
    _show(folder, console)


def _show(folder: Path, console: Console) -> None:
    plan = plan_of(folder)
    total = len(plan.families) * plan.count
    splits = [split_of(number, plan) for number in range(total)]
    parts = ", ".join(f"{splits.count(split)} for {split.value}" for split in Split)
    console.print(f"{total} things: {parts}.")
    console.print(f"{plan.count} of each: {', '.join(plan.families)}.")
    amounts = plan.amounts
    console.print(
        f"{amounts.views} pictures of {amounts.pixels} pixels, {amounts.places} places with "
        f"distances and {amounts.surface} points of the surface each."
    )
