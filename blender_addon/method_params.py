# SPDX-License-Identifier: GPL-3.0-or-later
"""A method's parameters as Blender properties, made when the backend says what they are.

`scene.lightkiln_params` holds one group per method, `scene.lightkiln_params.stereo.voxels` one
value. The groups are made anew when the backend's methods change; values stay, because Blender
keeps them with the scene. A preset fills all values; only what differs from it is sent.
It must not know any particular method.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import bpy
import numpy as np
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)
from bpy.types import PropertyGroup, Scene

from .shared.errors import InvalidParams
from .shared.messages import MethodInfo
from .shared.params import ParamKind, ParamSpec, Scalar, checked

METHOD_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
PARAM_NAME = re.compile(r"[a-z][a-z0-9_]{0,55}")
FILLED = "is_filled"
# Blender 4.5 and later show a path that begins with // in red unless the property knows of it.
RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()
PATH = "path"
"""The unit of a text that names a file."""
LABEL = 15
"""Characters of a name that fit beside its value in a sidebar of the usual width."""
COARSE = 0.1
"""Numbers from here on are told with two decimals, smaller ones with five."""
INT_MAX = 2**31 - 1  # Blender's integers have 32 bits
FLOAT_DIGITS = 6  # Blender's floats have 24 bits: more digits would be noise

_installed: dict[str, MethodInfo] = {}
_classes: list[type] = []


def install(methods: Iterable[MethodInfo]) -> None:
    """Make the groups of these methods; fills those that hold no values yet."""
    usable = {m.name: m for m in methods if METHOD_NAME.fullmatch(m.name)}
    if usable != _installed:
        uninstall()
        _register(usable)
    for scene in bpy.data.scenes:
        for info in usable.values():
            group = group_of(scene, info.name)
            if group is not None and not getattr(group, FILLED):
                _fill(group, info, scene.lightkiln.preset)


def uninstall() -> None:
    """Remove the groups; their values stay in the scenes."""
    if _classes:
        del Scene.lightkiln_params
    for cls in reversed(_classes):
        bpy.utils.unregister_class(cls)
    _classes.clear()
    _installed.clear()


def group_of(scene: Scene, method: str) -> PropertyGroup | None:
    """The values of a method in a scene, or None while the method is not known."""
    if method not in _installed:
        return None
    return getattr(scene.lightkiln_params, _identifier(method))


def specs_of(method: str) -> tuple[ParamSpec, ...]:
    """The parameters of a method that can be shown."""
    info = _installed.get(method)
    return tuple(spec for spec in info.params if _is_usable(spec)) if info else ()


def fill(scene: Scene, preset: str) -> None:
    """Set the parameters of all methods to a preset's values."""
    for name, info in _installed.items():
        _fill(group_of(scene, name), info, preset)


def set_values(scene: Scene, method: str, preset: str, values: dict[str, Scalar]) -> None:
    """Set a preset and what was changed over it; values that do not fit are left out."""
    group = group_of(scene, method)
    if group is None:
        return
    _fill(group, _installed[method], preset)
    for spec in specs_of(method):
        if spec.name in values and _is_valid(spec, values[spec.name]):
            setattr(group, spec.name, values[spec.name])


def values_over_preset(scene: Scene, method: str, preset: str) -> dict[str, Scalar]:
    """The parameters of a method that were changed after choosing the preset."""
    group = group_of(scene, method)
    if group is None:
        return {}
    return {
        spec.name: _value(group, spec)
        for spec in specs_of(method)
        if not _is_same(_value(group, spec), _preset_value(_installed[method], spec, preset))
    }


def _register(methods: dict[str, MethodInfo]) -> None:
    _installed.update(methods)
    groups = {}
    for name in methods:
        annotations = {spec.name: _property(spec) for spec in specs_of(name)}
        annotations[FILLED] = BoolProperty(options={"HIDDEN"})
        groups[_identifier(name)] = _register_class(
            f"LIGHTKILN_PG_{_identifier(name)}", annotations
        )
    pointers = {key: PointerProperty(type=group) for key, group in groups.items()}
    Scene.lightkiln_params = PointerProperty(type=_register_class("LIGHTKILN_PG_params", pointers))


def _register_class(name: str, annotations: dict[str, Any]) -> type:
    cls = type(name, (PropertyGroup,), {"__annotations__": annotations})
    bpy.utils.register_class(cls)
    _classes.append(cls)
    return cls


def _property(spec: ParamSpec) -> Any:
    title, help_text = spec.name.replace("_", " ").title(), spec.help.rstrip(".")
    unit = f" ({spec.unit})" if spec.unit and spec.unit != PATH else ""
    fits = len(title + unit) <= LABEL  # a longer label would be cut off: the tooltip has room
    about = {
        "name": title + unit if fits else title,
        "description": help_text if fits else help_text + unit,
    }
    low, high = spec.min, spec.max
    if spec.kind is ParamKind.BOOL:
        return BoolProperty(**about, default=bool(spec.default))
    if spec.kind is ParamKind.INT:
        bounds = {"min": _clamped(low, -INT_MAX), "max": _clamped(high, INT_MAX)}
        return IntProperty(**about, default=spec.default, **bounds)
    if spec.kind is ParamKind.FLOAT:
        limits = {key: value for key, value in (("min", low), ("max", high)) if value is not None}
        digits = 2 if abs(spec.default) >= COARSE else 5
        return FloatProperty(**about, default=float(spec.default), precision=digits, **limits)
    if spec.choices:
        items = [(choice, choice.replace("_", " ").title(), "") for choice in spec.choices]
        return EnumProperty(**about, items=items, default=str(spec.default))
    if spec.unit == PATH:
        text = {"default": str(spec.default), "subtype": "FILE_PATH", "options": RELATIVE}
        return StringProperty(**about, **text)
    return StringProperty(**about, default=str(spec.default))


def _is_usable(spec: ParamSpec) -> bool:
    """What Blender can make a property of; other parameters keep the backend's default."""
    is_free = PARAM_NAME.fullmatch(spec.name) and not hasattr(PropertyGroup, spec.name)
    if not is_free or spec.name in ("name", FILLED):
        return False
    return _is_valid(spec, spec.default)


def _is_valid(spec: ParamSpec, value: Scalar) -> bool:
    try:
        checked(spec, value)
    except InvalidParams:
        return False
    return spec.kind is not ParamKind.INT or abs(value) <= INT_MAX


def _fill(group: PropertyGroup, info: MethodInfo, preset: str) -> None:
    for spec in specs_of(info.name):
        setattr(group, spec.name, _preset_value(info, spec, preset))
    setattr(group, FILLED, True)


def _preset_value(info: MethodInfo, spec: ParamSpec, preset: str) -> Scalar:
    value = info.presets.get(preset, {}).get(spec.name, spec.default)
    value = value if _is_valid(spec, value) else spec.default
    return float(value) if spec.kind is ParamKind.FLOAT else value


def _value(group: PropertyGroup, spec: ParamSpec) -> Scalar:
    value = getattr(group, spec.name)
    if spec.unit == PATH:
        return bpy.path.abspath(value)  # Blender writes paths from the .blend on
    return float(f"{value:.{FLOAT_DIGITS}g}") if spec.kind is ParamKind.FLOAT else value


def _is_same(value: Scalar, of_preset: Scalar) -> bool:
    if isinstance(of_preset, float):
        return bool(np.isclose(value, of_preset, rtol=10.0**-FLOAT_DIGITS, atol=0.0))
    return value == of_preset


def _identifier(method: str) -> str:
    return method.replace("-", "_")


def _clamped(value: float | None, otherwise: int) -> int:
    return otherwise if value is None else int(max(-INT_MAX, min(INT_MAX, value)))
