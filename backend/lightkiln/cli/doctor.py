# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln doctor`: what this machine lacks, and what to do about it.

Each check is a function that returns what it found; what fails carries the next step.
It must not know jobs or the wire.
"""

from __future__ import annotations

import ctypes.util
import importlib
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import typer
from lightkiln_shared.errors import InvalidPrompt
from platformdirs import user_data_path
from rich.console import Console
from rich.table import Table

from lightkiln.executors.devices import find_slots, memory_mb
from lightkiln.methods.registry import discover
from lightkiln.priors.catalogue import EMBEDDED, LIBRARIES, SUGGESTIONS, manifest_of

MIN_FREE_GB = 5.0
MIN_MEMORY_GB = 4.0
PACKAGES = ("numpy", "scipy", "torch", "numba", "trimesh", "pycolmap", "pillow", "cryptography")
BLENDER_LIBRARIES = {
    "GL": "libgl1",
    "EGL": "libegl1",
    "X11": "libx11-6",
    "Xi": "libxi6",
    "Xfixes": "libxfixes3",
    "Xrender": "libxrender1",
    "xkbcommon": "libxkbcommon0",
    "SM": "libsm6",
    "ICE": "libice6",
}
"""What a Blender needs on Linux, and the Debian package that brings it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    what: str
    found: str
    advice: str = ""
    """What to do; empty: nothing."""
    is_needed: bool = True
    """False: reconstruction works without it."""


def doctor() -> None:
    """Say what is missing on this machine, and what to do."""
    findings = [*_system(), *_packages(), *_devices(), *_methods(), *_priors(), *_blender()]
    table = Table("", "", "Found", "What to do", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if not finding.advice else "[red]![/]"
        table.add_row(mark, finding.what, finding.found, finding.advice)
    Console(highlight=False).print(table)
    if any(finding.advice and finding.is_needed for finding in findings):
        raise typer.Exit(1)


def _system() -> Iterator[Finding]:
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    data = user_data_path("lightkiln", appauthor=False)
    existing = next(folder for folder in (data, *data.parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 1e9
    advice = "Free some space on that disk." if free < MIN_FREE_GB else ""
    yield Finding("Free disk", f"{free:.1f} GB at {existing}", advice)
    memory = memory_mb() / 1024
    advice = "Use the preset draft and small images." if 0 < memory < MIN_MEMORY_GB else ""
    yield Finding("Memory", f"{memory:.1f} GB" if memory else "unknown", advice)


def _packages() -> Iterator[Finding]:
    for name in PACKAGES:
        try:
            yield Finding(name, version(name))
        except PackageNotFoundError:
            yield Finding(name, "missing", f"pip install {name}")


def _devices() -> Iterator[Finding]:
    devices = [slot.device for slot in find_slots()]
    for device in devices:
        yield Finding("Device", f"{device.name}, {device.memory_mb / 1024:.1f} GB")
    if devices[0].kind == "cuda":
        usable = importlib.import_module("torch").cuda.is_available()
        advice = "" if usable else "Install a PyTorch with CUDA: see pytorch.org."
        found = "usable" if usable else "not usable by PyTorch: the processor is used"
        yield Finding("CUDA", found, advice, is_needed=False)


def _methods() -> Iterator[Finding]:
    for found in discover().values():
        name = f"Method {found.name}"
        if found.spec is None:
            yield Finding(name, "", f"Reinstall what brings it: {found.unavailable}.")
        elif found.unavailable:  # an extra: nobody has to have it
            yield Finding(name, found.unavailable, "Install it to use this.", is_needed=False)
        else:
            yield Finding(name, "ready")


def _priors() -> Iterator[Finding]:
    built_in = manifest_of(EMBEDDED)
    yield Finding(f"Prior {EMBEDDED}", f"{built_in.title}, licence: {built_in.licence}")
    missing = [name for name in LIBRARIES if importlib.util.find_spec(name) is None]
    if missing:
        advice = "pip install 'lightkiln[text]' to draw from Stable Diffusion and the like."
        yield Finding("Other priors", f"{missing[0]} is not installed", advice, is_needed=False)
        return
    here = [each for each in SUGGESTIONS if _is_here(each.model)]
    for each in here:
        yield Finding(f"Prior {each.model}", f"{each.title}, licence: {each.licence}")
    if not here:
        yield Finding("Other priors", "none of the known models is here; a folder can be named")


def _is_here(model: str) -> bool:
    try:
        manifest_of(model)
    except InvalidPrompt:
        return False
    return True


def _blender() -> Iterator[Finding]:
    program = shutil.which("blender")
    if program is not None:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
        yield Finding("Blender", answer.stdout.partition("\n")[0] or program)
    if sys.platform != "linux":
        return
    missing = [name for name in BLENDER_LIBRARIES if not _has_library(name)]
    packages = " ".join(BLENDER_LIBRARIES[name] for name in missing)
    yield Finding(
        "Libraries of Blender",
        f"{len(BLENDER_LIBRARIES) - len(missing)} of {len(BLENDER_LIBRARIES)}",
        f"apt install {packages}" if missing else "",
        is_needed=False,
    )


def _has_library(name: str) -> bool:
    return ctypes.util.find_library(name) is not None
