# SPDX-License-Identifier: GPL-3.0-or-later
"""A virtual environment for each Blender that the extension supports, made when it is missing.

Each `bpy` module wants its own, with the Python that this Blender has.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

BLENDERS = {"4.2.23": "3.11", "4.5.15": "3.11", "5.0.1": "3.11", "5.1.2": "3.13", "5.2.3": "3.13"}
"""Blender -> the Python it brings."""
FOLDER = Path.home() / ".cache" / "lightkiln"
INSTALL_SECONDS = 600


class Unavailable(Exception):
    """This Blender cannot be had here; the text says why."""


def python_of(blender: str) -> Path:
    """The Python in which `import bpy` gives this Blender."""
    folder = FOLDER / f"bpy-{blender}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        if not _imports_bpy(python):
            _make(folder, blender)
        (folder / "ready").touch()
    return python


def _make(folder: Path, blender: str) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([_base_python(BLENDERS[blender]), "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    try:
        subprocess.run([*pip, f"bpy=={blender}", "pytest"], check=True, timeout=INSTALL_SECONDS)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        raise Unavailable(f"bpy {blender} could not be installed: {error}") from None
    if not _imports_bpy(folder / "bin" / "python"):
        raise Unavailable(f"bpy {blender} does not import: a system library may be missing")


def _base_python(version: str) -> str:
    name = f"python{version}"
    pyenv = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/{name}"))
    found = shutil.which(name) or (str(pyenv[-1]) if pyenv else None)
    if found is None or subprocess.run([found, "--version"], capture_output=True).returncode:
        if pyenv:
            return str(pyenv[-1])
        raise Unavailable(f"there is no Python {version} on this machine")
    return found


def _imports_bpy(python: Path) -> bool:
    if not python.exists():
        return False
    code = "import bpy, pytest, os; os._exit(0)"
    return subprocess.run([python, "-c", code], capture_output=True).returncode == 0
