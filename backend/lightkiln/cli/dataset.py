# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln dataset make FOLDER`: pictures, voxels, distances and surfaces of the built-in world,
or of a folder of one's own meshes.

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

from lightkiln.learned.world.blender import exported
from lightkiln.learned.world.blender import found as find_blender
from lightkiln.learned.world.families import FAMILIES
from lightkiln.learned.world.library import meshes_in
from lightkiln.learned.world.plan import Painter, Plan, Split, of_library, plan_of, split_of
from lightkiln.learned.world.samples import Amounts
from lightkiln.learned.world.shards import Source, make

SIDES = (16, 512)
"""Pixels of a picture."""
MESHES = "meshes"
"""Folder in a dataset for what was read of .blend files."""
THINGS, VARIANTS = 150, 12
"""Of a family; of a mesh."""


class Action(StrEnum):
    MAKE = "make"
    SHOW = "show"


def dataset(  # noqa: PLR0913, PLR0917 each option that is typed is an argument
    action: Annotated[Action, typer.Argument(help="make or show.")],
    folder: Annotated[Path, typer.Argument(help="Where it goes, or is.")],
    families: Annotated[
        str, typer.Option(help="Separated by commas; without it, all.", metavar="NAME,...")
    ] = "",
    meshes: Annotated[
        Path | None,
        typer.Option(
            help="Your own instead: a folder of meshes, a folder in it for each family; or .blends."
        ),
    ] = None,
    count: Annotated[
        int,
        typer.Option(min=0, help="Things of each family (0: 150), or variants of a mesh (0: 12)."),
    ] = 0,
    views: Annotated[int, typer.Option(min=1, max=64, help="Pictures of a thing.")] = 8,
    pixels: Annotated[int, typer.Option(min=SIDES[0], max=SIDES[1], help="Of a side.")] = 64,
    painter: Annotated[
        Painter, typer.Option(help="Who makes the pictures; Blender takes minutes.")
    ] = Painter.OWN,
    blender: Annotated[
        str, typer.Option(help="The program, or a Python with bpy, if it is not found by itself.")
    ] = "",
    workers: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
) -> None:
    """Make what the learned methods are taught with, or say what a folder holds."""
    console = Console()
    if action is Action.SHOW:
        _show(folder, console)
        return
    if folder.is_file():
        raise UserError(f"{folder.name} is a file.", hint="Give a folder.")
    amounts = Amounts(views=views, pixels=pixels)
    source = _source(meshes, folder, painter, blender)
    plan = _planned(families, source.meshes, count, painter, amounts)
    columns = TextColumn("Things"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("things")
        make(
            folder,
            plan,
            lambda done, total: bar.update(task, completed=done, total=total),
            workers,
            source,
        )
    _show(folder, console)


def _source(meshes: Path | None, folder: Path, painter: Painter, blender: str) -> Source:
    """Where things come from; what lies in .blend files is read by Blender first."""
    has_blends = meshes is not None and any(meshes.rglob("*.blend"))
    if has_blends or painter is Painter.BLENDER:
        blender = blender or find_blender()
    if meshes is not None and has_blends:
        meshes = exported(meshes, folder / MESHES, blender)
    return Source(meshes=meshes, blender=blender)


def _planned(
    families: str, meshes: Path | None, count: int, painter: Painter, amounts: Amounts
) -> Plan:
    """What is to be made; raises `UserError` if that cannot be learned from."""
    if meshes is not None:
        return of_library(meshes_in(meshes), count or VARIANTS, amounts, painter)
    names = tuple(name.strip() for name in families.split(",") if name.strip()) or tuple(FAMILIES)
    return Plan(families=names, count=count or THINGS, painter=painter, amounts=amounts)


def _show(folder: Path, console: Console) -> None:
    plan = plan_of(folder)
    total = len(plan)
    splits = [split_of(number, plan) for number in range(total)]
    parts = ", ".join(f"{splits.count(split)} for {split.value}" for split in Split)
    console.print(f"{total} things: {parts}.")
    of = f"{len(plan.meshes)} meshes, which are: " if plan.meshes else ""
    console.print(f"{plan.count} of each: {of}{', '.join(plan.families)}.")
    amounts = plan.amounts
    console.print(
        f"{amounts.views} pictures of {amounts.pixels} pixels, {amounts.places} places with "
        f"distances and {amounts.surface} points of the surface each."
    )
