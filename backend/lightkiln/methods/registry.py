# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the methods that are installed; loads one when a job starts. No torch.

Built-ins and other people's methods come through the same door: the entry-point group
`lightkiln.methods`, each entry a `MethodSpec`. `LIGHTKILN_METHODS` may name more, for code that is
not installed yet (`package.module:SPEC`, separated by commas). A broken one stays in the list, with
its reason.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any

from lightkiln_shared.errors import InvalidParams, UnknownMethod
from lightkiln_shared.params import Scalar, build, specs_of

from .spec import MethodSpec

GROUP = "lightkiln.methods"
DEVELOPMENT_VARIABLE = "LIGHTKILN_METHODS"
DEFAULT_METHOD = "kiln"
DEFAULT_PRESET = "standard"
PRESETS = ("draft", "standard", "high")


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of the list: a spec, unless it is broken, and the reason if it cannot be used."""

    name: str
    spec: MethodSpec | None
    unavailable: str = ""


@cache
def discover() -> dict[str, Found]:
    """All methods by name, in the order of their names, broken ones included."""
    found = [_load_spec(name, target) for name, target in _targets()]
    return {each.name: each for each in sorted(found, key=lambda each: each.name)}


def spec_named(name: str) -> MethodSpec:
    """The spec of an available method; otherwise an error that says why not."""
    found = discover().get(name)
    if found is None:
        known = ", ".join(discover())
        raise UnknownMethod(f"There is no method {name!r}.", hint=f"Installed: {known}.")
    if found.spec is None or found.unavailable:
        advice = "Reinstall the package that brings it" if found.spec is None else "Install it"
        raise UnknownMethod(
            f"The method {name!r} cannot be used: {found.unavailable}.",
            hint=f"{advice}, or choose another method.",
        )
    return found.spec


def params_for(spec: MethodSpec, preset: str, values: dict[str, Scalar]) -> Any:
    """Build a method's parameters: its defaults, then the preset, then the given values."""
    if preset not in PRESETS:
        raise InvalidParams(
            f"There is no preset {preset!r}.", hint=f"Use one of {', '.join(PRESETS)}."
        )
    return build(spec.params, {**spec.presets.get(preset, {}), **values})


def halved(
    spec: MethodSpec, preset: str, values: dict[str, Scalar], names: tuple[str, ...]
) -> dict[str, Scalar]:
    """The values with some whole numbers halved, none below its least."""
    params = params_for(spec, preset, values)
    least = {parameter.name: int(parameter.min or 1) for parameter in specs_of(spec.params)}
    return {**values, **{name: max(getattr(params, name) // 2, least[name]) for name in names}}


def load_entry(spec: MethodSpec) -> Any:
    """Import a method's function. Only a worker calls this: it may import torch."""
    return _resolve(spec.entry)


def _targets() -> Iterator[tuple[str, str]]:
    for entry in entry_points(group=GROUP):
        yield entry.name, entry.value
    for target in filter(None, os.environ.get(DEVELOPMENT_VARIABLE, "").split(",")):
        yield target.partition(":")[0].rpartition(".")[2].replace("_", "-"), target


def _load_spec(name: str, target: str) -> Found:
    try:
        spec = _resolve(target)
    except Exception as error:  # noqa: BLE001 a plugin ends here: whatever it raises is its reason
        return Found(name, None, f"{type(error).__name__}: {error}")
    if not isinstance(spec, MethodSpec):
        return Found(name, None, f"{target} is not a MethodSpec")
    missing = [each for each in spec.libraries if importlib.util.find_spec(each) is None]
    return Found(spec.name, spec, f"{missing[0]} is not installed" if missing else "")


def _resolve(target: str) -> Any:
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
