# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the Blender extension: one zip for every Blender from 4.2 to 5.2 and every system.

    python build_addon.py                the zip, in dist/
    python build_addon.py --blender EXE  the same, then checked by that Blender's own validator too

It stages `blender_addon/`, copies `shared/lightkiln_shared/` in as `shared/`, and adds msgpack as a
universal wheel, built from its source with the pure-Python switch. Nothing compiled gets in, and
nothing is imported but Blender's own modules, the standard library, numpy, msgpack and the package.
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

ROOT = Path(__file__).parent
STAGE = ROOT / "build" / "lightkiln"
WHEELS = ROOT / "build" / "wheels"
DIST = ROOT / "dist"
MSGPACK = "msgpack==1.2.4"
ALLOWED = frozenset({"blf", "bpy", "gpu", "gpu_extras", "mathutils", "numpy", "msgpack"})
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
    wheel = pure_msgpack()
    (STAGE / "wheels").mkdir()
    shutil.copy(wheel, STAGE / "wheels" / wheel.name)
    manifest = STAGE / "blender_manifest.toml"
    head, permissions, tail = manifest.read_text().partition("[permissions]")
    manifest.write_text(f'{head}wheels = ["./wheels/{wheel.name}"]\n\n{permissions}{tail}')


def pure_msgpack() -> Path:
    """The universal wheel of msgpack; built once."""
    name, _, version = MSGPACK.partition("==")
    wheel = WHEELS / f"{name}-{version}-py3-none-any.whl"
    if not wheel.exists():
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        command += ["--no-binary", name, "--wheel-dir", str(WHEELS), MSGPACK]
        subprocess.run(command, check=True, env={**os.environ, "MSGPACK_PUREPYTHON": "1"})
    return wheel


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
