# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension in a headless Blender: installed from its zip, as a person does, and its modules.

Runs inside a bpy module. It must not know what the extension is wanted for.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import bpy  # isort: skip  makes its own modules importable
import addon_utils

PACKAGE = "bl_ext.user_default.lightkiln"


def install(extension: Path, data: Path, command: str = "") -> None:
    """Install the zip, and set its preferences: the backend's command and its folder."""
    addon_utils.enable("bl_pkg", persistent=True)
    bpy.ops.extensions.package_install_files(
        filepath=str(extension), repo="user_default", enable_on_install=True
    )
    preferences = bpy.context.preferences.addons[PACKAGE].preferences
    preferences.command, preferences.data_folder = command, str(data)


def module(name: str) -> ModuleType:
    """A module of the installed extension."""
    return importlib.import_module(f"{PACKAGE}.{name}")
