# SPDX-License-Identifier: GPL-3.0-or-later
"""Every button and setting has a tooltip in Blender's own style, and a greyed-out one says why."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy  # isort: skip  makes its own modules importable
import numpy as np
import pytest
from conftest import PACKAGE, module

SMALL_WORDS = {"a", "and", "as", "by", "for", "from", "if", "in", "of", "on", "or", "the", "to"}
UNITS = {"px"}
PARAMETERS = "LIGHTKILN_PG_"
"""How the groups of methods' parameters are called."""
NO_REASON = "context is incorrect"
"""What Blender says of an operator that gives no reason."""


def _classes(kind: type) -> list[type]:
    """The extension's registered classes of a kind."""
    mine = [each for each in kind.__subclasses__() if each.__module__.startswith(PACKAGE)]
    found = [each for each in mine if each.is_registered]
    assert found
    return found


def _operators() -> list[Any]:
    return sorted(
        (getattr(bpy.ops.lightkiln, name) for name in dir(bpy.ops.lightkiln)),
        key=lambda each: each.idname(),
    )


def _settings() -> Iterator[tuple[str, Any]]:
    """Every property that a person can see, with a name for reports."""
    owners = [(each.idname(), each.get_rna_type()) for each in _operators()]
    owners += [(kind.__name__, kind.bl_rna) for kind in _classes(bpy.types.PropertyGroup)]
    owners += [(kind.__name__, kind.bl_rna) for kind in _classes(bpy.types.AddonPreferences)]
    inherited = {"rna_type", "name", "bl_idname"}
    for owner, rna in owners:
        for prop in rna.properties:
            if prop.identifier not in inherited and not prop.is_hidden:
                yield f"{owner}.{prop.identifier}", prop


def _style(text: str) -> list[str]:
    """What is wrong with a tooltip."""
    wrong = [] if text else ["has no tooltip"]
    wrong += ["ends with a full stop"] if text.endswith(".") else []
    wrong += ["begins small"] if text[:1].islower() else []
    return wrong


def _is_title(label: str) -> bool:
    if label.endswith(".json"):
        return True  # a file's name
    words = label.replace("-", " ").split()
    return bool(words) and all(
        not word[0].islower() or (place > 0 and word in SMALL_WORDS | UNITS)
        for place, word in enumerate(words)
    )


def test_every_operator_has_a_label_and_a_tooltip() -> None:
    wrong = []
    for operator in _operators():
        rna = operator.get_rna_type()
        kind = getattr(bpy.types, operator.idname(), None)
        told = rna.description
        if not told and hasattr(kind, "description"):
            told = kind.description(bpy.context, rna)
        wrong += [(operator.idname(), what) for what in _style(told)]
        if not _is_title(rna.name):
            wrong.append((operator.idname(), f"label {rna.name!r}"))
    assert wrong == []


def test_every_setting_has_a_label_and_a_tooltip(pump_until: Any) -> None:
    bpy.ops.lightkiln.connect()
    pump_until(lambda: module("status").current.methods)  # each brings its parameters
    wrong = []
    for name, prop in _settings():
        if prop.type == "POINTER" and issubclass(type(prop.fixed_type), bpy.types.PropertyGroup):
            continue  # a group of settings is never shown itself
        wrong += [(name, what) for what in _style(prop.description)]
        if not _is_title(prop.name):
            wrong.append((name, f"label {prop.name!r}"))
        if name.startswith(PARAMETERS):
            continue  # their tooltips tell the choices as well
        for item in getattr(prop, "enum_items_static", ()):
            wrong += [(f"{name}.{item.identifier}", what) for what in _style(item.description)]
            if not _is_title(item.name):
                wrong.append((f"{name}.{item.identifier}", f"label {item.name!r}"))
    assert wrong == []


def test_every_panel_and_menu_has_a_title() -> None:
    kinds = [*_classes(bpy.types.Panel), *_classes(bpy.types.Menu)]
    assert [kind.bl_label for kind in kinds if not _is_title(kind.bl_label)] == []


def _reason(operator: Any) -> str | None:
    """Why an operator is greyed out; None if it is not."""
    if operator.poll():
        return None
    with pytest.raises(RuntimeError) as caught:
        operator()
    return str(caught.value).strip().removeprefix("Operator bpy.ops.").partition(".poll() ")[2]


def _silent(where: str) -> list[tuple[str, str, str]]:
    """The operators that a person can press and that are greyed out without a good reason."""
    found = []
    for operator in _operators():
        if "INTERNAL" in operator.bl_options:
            continue  # pressed by the extension alone
        reason = _reason(operator)
        if reason is not None and (NO_REASON in reason or _style(reason)):
            found.append((where, operator.idname(), reason))
    return found


def test_whatever_is_greyed_out_says_why(add_camera: Any) -> None:
    status, job_state = module("status"), module("shared.jobs").JobState
    assert "camera" in (_reason(bpy.ops.lightkiln.reconstruct) or "")
    silent = _silent("empty scene")
    add_camera("Camera", (3.0, 0.0, 0.0), (0.0, 0.0, 0.0))
    silent += _silent("one camera")
    for angle in np.linspace(0.5, 5.5, 5):
        add_camera(f"At {angle}", (3 * np.cos(angle), 3 * np.sin(angle), 0.5), (0.0, 0.0, 0.0))
    silent += _silent("cameras without images")
    for state in (None, *job_state):
        for method in ("kiln", "align"):
            status.current.job = status.Job(
                scene=bpy.context.scene.name, job_id="a" * 16, method=method, state=state
            )
            silent += _silent(f"{method} {state}")
    assert silent == []
