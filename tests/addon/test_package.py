# SPDX-License-Identifier: GPL-3.0-or-later
"""What ships: one zip, nothing compiled, nothing foreign, and threads that know no Blender."""

from __future__ import annotations

import ast
import zipfile
from pathlib import Path

import pytest

import build_addon

WITHOUT_BPY = (
    "candidates",
    "client",
    "connection",
    "convert",
    "curves",
    "diagnostics",
    "image_files",
    "known_backends",
    "launcher",
    "mailbox",
    "pairing",
    "ply",
    "preflight",
    "previews",
    "results",
    "said",
    "searching",
    "shots",
    "status",
    "thumbnails",
    "transfers",
    "wishes",
)


def _imports(path: Path) -> set[str]:
    """Top-level names that a file imports; its own package's modules with a leading dot."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            names = [node.module] if node.module else [alias.name for alias in node.names]
            found |= {"." + name.partition(".")[0] for name in names if name}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").partition(".")[0])
    return found


def test_the_same_sources_give_the_same_zip_and_it_holds_nothing_foreign() -> None:
    first = build_addon.build().read_bytes()
    path = build_addon.build()
    assert path.read_bytes() == first
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    assert {"blender_manifest.toml", "__init__.py", "shared/codec.py", "LICENSE"} <= set(names)
    assert len(first) < 400_000


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.py", "import requests"), ("b.py", "from lightkiln.api import x"), ("c.so", "")],
)
def test_the_check_of_the_package_finds_what_must_not_ship(
    tmp_path: Path, name: str, text: str
) -> None:
    (tmp_path / name).write_text(text)
    assert len(list(build_addon.problems(tmp_path))) == 1


@pytest.mark.parametrize("module", WITHOUT_BPY)
def test_what_runs_in_the_clients_thread_reaches_no_bpy(module: str) -> None:
    folder = Path(build_addon.ROOT) / "blender_addon"
    seen: set[str] = set()
    waiting = {f".{module}"}
    while waiting:
        name = waiting.pop()
        seen.add(name)
        path = folder / f"{name[1:]}.py"
        if path.exists():
            waiting |= {n for n in _imports(path) if n.startswith(".")} - seen
            assert not _imports(path) & {"bpy", "gpu", "mathutils"}, path.name
