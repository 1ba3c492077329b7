# SPDX-License-Identifier: GPL-3.0-or-later
"""`--set KEY=VALUE`, for every command that runs a method. It must not know any method."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import typer
from lightkiln_shared.errors import InvalidParams
from lightkiln_shared.params import ParamSpec, Scalar, parsed

Settings = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A method's parameter.")
]


def settings_of(method: str, params: Iterable[ParamSpec], texts: Settings) -> dict[str, Scalar]:
    """Parameters and their values from what was typed; raises `InvalidParams`."""
    known = {param.name: param for param in params}
    return dict(_setting(method, known, text) for text in texts or ())


def _setting(method: str, known: dict[str, ParamSpec], text: str) -> tuple[str, Scalar]:
    name, separator, value = text.partition("=")
    if not separator or name not in known:
        raise InvalidParams(
            f"The method {method!r} has no parameter {name!r}."
            if separator
            else f"--set {text} has no value.",
            hint=f"Use --set KEY=VALUE with one of {', '.join(known)}.",
        )
    return name, parsed(known[name], value)
