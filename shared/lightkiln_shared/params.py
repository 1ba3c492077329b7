# SPDX-License-Identifier: GPL-3.0-or-later
"""A method's parameters as data: from a dataclass to a description and back from values.

The description becomes Blender's panel, the command line's flags and the validation.
It must not know any particular method.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from .errors import InvalidParams

Scalar = bool | int | float | str
T = TypeVar("T")


class ParamKind(StrEnum):
    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"


_KINDS: dict[type, ParamKind] = {
    bool: ParamKind.BOOL,
    int: ParamKind.INT,
    float: ParamKind.FLOAT,
    str: ParamKind.STR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParamSpec:
    """One parameter of a method, described for people and for validation."""

    name: str
    kind: ParamKind
    default: Scalar
    help: str
    min: float | None = None
    max: float | None = None
    choices: tuple[str, ...] = ()
    """Allowed values of a string; empty: any."""
    unit: str = ""
    """What a number counts; `path` of a text that names a file."""
    advanced: bool = False
    """Shown only when asked for."""


def param(
    default: Any,
    help: str,
    *,
    min: float | None = None,
    max: float | None = None,
    choices: tuple[str, ...] = (),
    unit: str = "",
    advanced: bool = False,
) -> Any:
    """Declare a field of a parameter dataclass."""
    about = {
        "help": help,
        "min": min,
        "max": max,
        "choices": choices,
        "unit": unit,
        "advanced": advanced,
    }
    return dataclasses.field(default=default, metadata=about)


def specs_of(params: type) -> tuple[ParamSpec, ...]:
    """Describe every field of a parameter dataclass."""
    hints = typing.get_type_hints(params)
    return tuple(
        ParamSpec(name=f.name, kind=_KINDS[hints[f.name]], default=_default(f), **f.metadata)
        for f in dataclasses.fields(params)
    )


def build(params: type[T], values: Mapping[str, Scalar]) -> T:
    """Check `values` against the dataclass and make it; errors name the parameter."""
    specs = {spec.name: spec for spec in specs_of(params)}
    for name in values:
        if name not in specs:
            raise InvalidParams(
                f"There is no parameter {name!r}.",
                hint=f"Known ones: {', '.join(sorted(specs)) or 'none'}.",
            )
    return params(**{name: checked(specs[name], value) for name, value in values.items()})


def checked(spec: ParamSpec, value: Scalar) -> Scalar:
    """Return the value in the parameter's own type, or say what is wrong with it."""
    value = _typed(spec, value)
    too_low = spec.min is not None and not isinstance(value, str) and value < spec.min
    too_high = spec.max is not None and not isinstance(value, str) and value > spec.max
    if too_low or too_high or value != value:
        raise InvalidParams(
            f"{spec.name}={value} is out of range.",
            hint=f"Use a value from {_plain(spec.min)} to {_plain(spec.max)}.",
        )
    if spec.choices and value not in spec.choices:
        raise InvalidParams(
            f"{spec.name}={value} is not a choice.", hint=f"Use one of {', '.join(spec.choices)}."
        )
    return value


def parsed(spec: ParamSpec, text: str) -> Scalar:
    """Read a parameter as it is typed on a command line, `--set name=text`."""
    readers: dict[ParamKind, Any] = {
        ParamKind.BOOL: {"true": True, "false": False, "1": True, "0": False}.__getitem__,
        ParamKind.INT: int,
        ParamKind.FLOAT: float,
        ParamKind.STR: str,
    }
    try:
        value: Scalar = readers[spec.kind](text.lower() if spec.kind is ParamKind.BOOL else text)
    except (ValueError, KeyError):
        raise InvalidParams(
            f"{spec.name}={text} is not {_ARTICLES[spec.kind]}.", hint=spec.help
        ) from None
    return checked(spec, value)


_ARTICLES = {
    ParamKind.BOOL: "true or false",
    ParamKind.INT: "a whole number",
    ParamKind.FLOAT: "a number",
    ParamKind.STR: "a text",
}


def _default(field: dataclasses.Field[Any]) -> Scalar:
    if not isinstance(field.default, (bool, int, float, str)):
        raise TypeError(f"parameter {field.name!r} needs a default: a panel must open on something")
    return field.default


def _typed(spec: ParamSpec, value: Scalar) -> Scalar:
    is_int = isinstance(value, int) and not isinstance(value, bool)
    if spec.kind is ParamKind.FLOAT and is_int:
        return float(value)
    if spec.kind is _KINDS.get(type(value)):
        return value
    raise InvalidParams(
        f"{spec.name}={value!r} has the wrong type: it must be {_ARTICLES[spec.kind]}.",
        hint=spec.help,
    )


def _plain(bound: float | None) -> str:
    return "any" if bound is None else f"{bound:g}"


__all__ = ["ParamKind", "ParamSpec", "Scalar", "build", "checked", "param", "parsed", "specs_of"]
