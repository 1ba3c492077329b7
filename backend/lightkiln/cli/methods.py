# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln methods`: what is installed. Imports no torch, so that it answers at once.

It must not know how a method works.
"""

from __future__ import annotations

from typing import Annotated

import typer
from lightkiln_shared.params import ParamSpec, specs_of
from rich.console import Console
from rich.table import Table

from lightkiln.methods.registry import DEFAULT_METHOD, Found, discover, spec_named


def methods(
    name: Annotated[str | None, typer.Argument(help="Show the parameters of this method.")] = None,
) -> None:
    """List the installed methods, or the parameters of one."""
    console = Console(highlight=False)
    if name is None:
        console.print(_list())
        return
    spec = spec_named(name)
    console.print(f"[bold]{spec.title}[/]: {spec.summary}")
    console.print(_params(specs_of(spec.params)))


def _list() -> Table:
    table = Table("Method", "Needs", "What it does", box=None, pad_edge=False)
    for found in discover().values():
        table.add_row(*_row(found))
    return table


def _row(found: Found) -> tuple[str, str, str]:
    if found.spec is None or found.unavailable:
        return found.name, "", f"[red]cannot be used: {found.unavailable}[/]"
    name = f"{found.name} (default)" if found.name == DEFAULT_METHOD else found.name
    needs = [need.value.replace("_", " ") for need in found.spec.needs]
    masks = ["masks"] if found.spec.wants_masks else []
    return name, ", ".join(needs + masks), found.spec.summary


def _params(specs: tuple[ParamSpec, ...]) -> Table:
    table = Table("--set", "Default", "Allowed", "What it does", box=None, pad_edge=False)
    for spec in specs:
        default = f"{spec.default} {spec.unit}".rstrip()
        table.add_row(spec.name, default, _allowed(spec), spec.help)
    return table


def _allowed(spec: ParamSpec) -> str:
    if spec.choices:
        return ", ".join(spec.choices)
    if spec.min is None and spec.max is None:
        return spec.kind.value
    low = "" if spec.min is None else f"{spec.min:g}"
    high = "" if spec.max is None else f"{spec.max:g}"
    return f"{low} ... {high}".strip()
