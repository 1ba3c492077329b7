# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the Blender extension: one zip for every Blender from 4.2 to 5.2 and every system.

    python build_addon.py                the zip, in dist/
    python build_addon.py --blender EXE  the same, then checked by that Blender's own validator too

It stages `blender_addon/`, copies `shared/lightkiln_shared/` in as `shared/`, and adds a few
libraries as universal wheels, built from their sources with their pure-Python switches. Nothing
compiled gets in, and nothing is imported but Blender's own modules, the standard library, numpy,
these libraries and the package.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent
STAGE = ROOT / "build" / "lightkiln"
WHEELS = ROOT / "build" / "wheels"
DIST = ROOT / "dist"


class Library(NamedTuple):
    """A library that ships with the extension."""

    name: str
    version: str
    switch: str = ""
    """The variable that keeps its compiled parts from being built."""


LIBRARIES = (
    Library("msgpack", "1.2.4", "MSGPACK_PUREPYTHON"),
    Library("zeroconf", "0.154.0", "SKIP_CYTHON"),
    Library("ifaddr", "0.2.0"),
)
BLENDERS_OWN = frozenset({"blf", "bpy", "gpu", "gpu_extras", "mathutils", "numpy"})
ALLOWED = BLENDERS_OWN | {library.name for library in LIBRARIES}
COMPILED = (".so", ".pyd", ".dll", ".dylib", ".pyc")
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same sources give the same zip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--blender", help="a Blender whose validator shall check the zip")
    chosen = parser.parse_args()
    path = build()
    if chosen.blender:
        subprocess.run(
            [chosen.blender, "--command", "extension", "validate", str(path)], check=True
        )
    sys.stdout.write(f"{path}\n")


def build() -> Path:
    """Stage, check and pack the extension; returns the zip's path."""
    stage()
    wrong = list(problems(STAGE))
    if wrong:
        raise SystemExit("\n".join(wrong))
    manifest = tomllib.loads((STAGE / "blender_manifest.toml").read_text())
    DIST.mkdir(exist_ok=True)
    path = DIST / f"{manifest['id']}-{manifest['version']}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(STAGE.rglob("*")):
            if file.is_file():
                name = file.relative_to(STAGE).as_posix()
                archive.writestr(
                    zipfile.ZipInfo(name, EPOCH), file.read_bytes(), zipfile.ZIP_DEFLATED
                )
    return path


def stage() -> None:
    """Put everything that ships into `build/lightkiln`."""
    shutil.rmtree(STAGE, ignore_errors=True)
    junk = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(ROOT / "blender_addon", STAGE, ignore=junk)
    shutil.copytree(ROOT / "shared" / "lightkiln_shared", STAGE / "shared", ignore=junk)
    shutil.copy(ROOT / "LICENSE", STAGE / "LICENSE")
    (STAGE / "wheels").mkdir()
    wheels = [universal_wheel(library) for library in LIBRARIES]
    for wheel in wheels:
        shutil.copy(wheel, STAGE / "wheels" / wheel.name)
    listed = ", ".join(f'"./wheels/{wheel.name}"' for wheel in wheels)
    manifest = STAGE / "blender_manifest.toml"
    head, permissions, tail = manifest.read_text().partition("[permissions]")
    manifest.write_text(f"{head}wheels = [{listed}]\n\n{permissions}{tail}")


def universal_wheel(library: Library) -> Path:
    """The wheel of a library that serves every Python and system; built once."""
    name, version, switch = library
    wheel = WHEELS / f"{name}-{version}-py3-none-any.whl"
    if not wheel.exists():
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        pip += ["--no-binary", name] if switch else []
        about = {**os.environ, switch: "1"} if switch else None
        pip += ["--wheel-dir", str(WHEELS), f"{name}=={version}"]
        subprocess.run(pip, check=True, env=about)
        _call_universal(name, version)
    return wheel


def _call_universal(name: str, version: str) -> None:
    """Some builds are named after the machine although nothing in them is compiled."""
    tags = [sys.executable, "-m", "wheel", "tags", "--remove"]
    tags += ["--python-tag", "py3", "--abi-tag", "none", "--platform-tag", "any"]
    for built in WHEELS.glob(f"{name}-{version}-cp*.whl"):
        subprocess.run([*tags, str(built)], check=True, stdout=subprocess.DEVNULL)


def problems(folder: Path) -> Iterator[str]:
    """What must not ship: compiled files, imports from elsewhere, code that runs data."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix in COMPILED:
            yield f"{name}: compiled"
        if path.suffix == ".whl":
            with zipfile.ZipFile(path) as wheel:
                yield from (f"{name}: {n}" for n in wheel.namelist() if n.endswith(COMPILED))
        if path.suffix == ".py":
            yield from (f"{name}: imports {found}" for found in _foreign_imports(path))


def _foreign_imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            modules = [node.module or ""]
        else:
            continue
        for module in modules:
            top = module.partition(".")[0]
            if top not in ALLOWED and top not in sys.stdlib_module_names:
                yield module


if __name__ == "__main__":
    main()
