# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension comes and goes without leaving anything behind."""

from __future__ import annotations

import threading

import bpy  # isort: skip  makes its own modules importable
import addon_utils
from conftest import PACKAGE, module


def _left_behind() -> list[str]:
    classes = [name for name in dir(bpy.types) if name.startswith("LIGHTKILN")]
    names = [name for name in ("lightkiln", "lightkiln_params") if hasattr(bpy.types.Scene, name)]
    handlers = [
        handler.__module__
        for name in dir(bpy.app.handlers)
        if isinstance(functions := getattr(bpy.app.handlers, name), list)
        for handler in functions
        if handler.__module__.startswith(PACKAGE)
    ]
    threads = [t.name for t in threading.enumerate() if t.name.startswith("lightkiln")]
    return [*classes, *names, *handlers, *threads]


def _disable() -> list[str]:
    """Disable it; what stays. A thread that is starting a backend ends a little later."""
    addon_utils.disable(PACKAGE)
    for thread in threading.enumerate():
        if thread.name.startswith("lightkiln"):
            thread.join(20.0)
    return _left_behind()


def test_it_can_be_disabled_and_enabled_twice_and_leaves_nothing() -> None:
    for _ in range(2):
        assert _left_behind()
        assert _disable() == []
        addon_utils.enable(PACKAGE, default_set=True)
        assert bpy.context.scene.lightkiln.method == "kiln"


def test_disabling_closes_an_open_connection() -> None:
    bpy.ops.lightkiln.connect()
    assert _disable() == []
    addon_utils.enable(PACKAGE, default_set=True)


def test_it_runs_in_the_namespace_of_extensions() -> None:
    assert module("preferences").LightkilnPreferences.bl_idname == PACKAGE
    assert bpy.context.preferences.addons[PACKAGE].preferences.command == ""
    assert not bpy.app.online_access
