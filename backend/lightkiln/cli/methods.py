# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln methods`: what is installed here or on a backend. No torch: it answers at once.

It must not know how a method works.
"""

from __future__ import annotations

from typing import Annotated

import typer
from lightkiln_shared.errors import UnknownMethod
from lightkiln_shared.messages import ListMethods, MethodInfo, Methods
from lightkiln_shared.params import ParamSpec
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lightkiln.methods.info import info_of
from lightkiln.methods.registry import DEFAULT_METHOD, discover, spec_named
from lightkiln.methods.spec import PRIOR
from lightkiln.priors.catalogue import EMBEDDED, SUGGESTIONS

from .line import backend_of, chosen
from .telling import Json, print_json
from .words import shown


def methods(
    context: typer.Context,
    name: Annotated[str | None, typer.Argument(help="Show the parameters of this method.")] = None,
    as_json: Json = False,
) -> None:
    """List the installed methods, or the parameters of one."""
    listed = _listed(context)
    one = None if name is None else _named(context, listed, name)
    if as_json:
        print_json(listed if one is None else one)
        return
    console = Console(highlight=False)
    if one is None:
        console.print(_list(listed))
        return
    console.print(f"[bold]{escape(shown(one.title))}[/]: {escape(shown(one.summary))}")
    console.print(_params(one.params))
    if PRIOR in {param.name for param in one.params}:
        console.print()
        console.print(_priors())


def _listed(context: typer.Context) -> Methods:
    if backend_of(context):
        line = chosen(context)
        return line.ask(ListMethods())
    return Methods(methods=tuple(map(info_of, discover().values())), default=DEFAULT_METHOD)


def _named(context: typer.Context, listed: Methods, name: str) -> MethodInfo:
    if not backend_of(context):
        spec_named(name)  # its errors say more
    for info in listed.methods:
        if info.name == name:
            return info
    raise UnknownMethod(f"The backend has no method {name!r}.")


def _list(listed: Methods) -> Table:
    table = Table("Method", "Needs", "What it does", box=None, pad_edge=False)
    for info in listed.methods:
        table.add_row(*_row(info, info.name == listed.default))
    return table


def _row(info: MethodInfo, is_default: bool) -> tuple[str, str, str]:
    name = escape(shown(info.name))
    if info.unavailable:
        return name, "", f"[red]cannot be used: {escape(shown(info.unavailable))}[/]"
    needs = [shown(need).replace("_", " ") for need in info.needs]
    masks = ["masks"] if info.wants_masks else []
    default = " (default)" if is_default else ""
    return f"{name}{default}", escape(", ".join(needs + masks)), escape(shown(info.summary))


def _params(specs: tuple[ParamSpec, ...]) -> Table:
    table = Table("--set", "Default", "Allowed", "What it does", box=None, pad_edge=False)
    for spec in specs:
        default = f"{spec.default} {spec.unit}".rstrip()
        table.add_row(*(escape(shown(t)) for t in (spec.name, default, _allowed(spec), spec.help)))
    return table


def _priors() -> Table:
    """What may be named as a prior; nothing of it is fetched, so it must be there."""
    table = Table(box=None, pad_edge=False)
    table.add_column("--prior", overflow="fold")  # to be typed: every letter counts
    table.add_column("What it is")
    table.add_column("Licence")
    table.add_row(EMBEDDED, "built in: simple things, colours, how they lie", "GPL-3.0-or-later")
    table.add_row("FOLDER", "a diffusion pipeline's folder, with the extra `text`", "its own")
    for each in SUGGESTIONS:
        table.add_row(*map(escape, (each.model, f"{each.title}. {each.note}", each.licence)))
    return table


def _allowed(spec: ParamSpec) -> str:
    if spec.choices:
        return ", ".join(spec.choices)
    if spec.min is None and spec.max is None:
        return spec.kind.value
    low = "" if spec.min is None else f"{spec.min:g}"
    high = "" if spec.max is None else f"{spec.max:g}"
    return f"{low} ... {high}".strip()
