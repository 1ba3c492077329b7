# SPDX-License-Identifier: GPL-3.0-or-later
"""`--set KEY=VALUE`, for every command that runs a method. It must not know any method."""

from __future__ import annotations

from lightkiln_shared.errors import InvalidParams
from lightkiln_shared.params import Scalar, parsed, specs_of

from lightkiln.methods.spec import MethodSpec


def setting(spec: MethodSpec, text: str) -> tuple[str, Scalar]:
    """A parameter and its value from what was typed; raises `InvalidParams`."""
    name, separator, value = text.partition("=")
    known = {param.name: param for param in specs_of(spec.params)}
    if not separator or name not in known:
        raise InvalidParams(
            f"The method {spec.name!r} has no parameter {name!r}."
            if separator
            else f"--set {text} has no value.",
            hint=f"Use --set KEY=VALUE with one of {', '.join(known)}.",
        )
    return name, parsed(known[name], value)
