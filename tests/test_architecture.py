# SPDX-License-Identifier: GPL-3.0-or-later
"""The house keeps its shape: budgets, headers, broad excepts, and what may import what."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("backend", "shared", "blender_addon", "benchmarks", "campaigns", "demo", "docs")
    for path in (ROOT / folder).rglob("*.py")
)
PRODUCT = [
    path
    for path in SOURCES
    if path.parts[len(ROOT.parts)] in ("backend", "shared", "blender_addon")
]
LONGEST_FILE = 400
LONGEST_FUNCTION = 50
USUAL_FUNCTION = 30
"""Nine functions in ten are shorter than this."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_opens_with_its_licence_and_says_what_it_knows(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if not text.strip():
        return  # an empty package marker knows nothing
    assert text.startswith("# SPDX-License-Identifier: GPL-3.0-or-later\n")
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_and_functions_stay_small(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE
    too_long = {
        node.name: length(node) for node in functions(path) if length(node) > LONGEST_FUNCTION
    }
    assert not too_long


def test_nine_functions_in_ten_are_short() -> None:
    lengths = sorted(length(node) for path in PRODUCT for node in functions(path))
    assert lengths[len(lengths) * 9 // 10] < USUAL_FUNCTION


def test_everything_is_caught_only_where_a_plugin_a_worker_or_a_connection_ends() -> None:
    broad = re.compile(r"except(\s+(Base)?Exception\b.*)?:")
    found = [
        (name_of(path), line.strip())
        for path in PRODUCT
        for line in path.read_text(encoding="utf-8").splitlines()
        if broad.match(line.strip())
    ]
    assert all("#" in line for _, line in found), f"each gives its reason: {found}"
    assert {file for file, _ in found} <= ENDS


ENDS = {
    "backend/lightkiln/methods/registry.py",  # a plugin ends: its exception is its reason
    "backend/lightkiln/jobs/worker.py",  # a worker ends
    "backend/lightkiln/server/connection.py",  # a connection ends
    "blender_addon/client.py",  # a connection ends
    "blender_addon/inbox.py",  # a tick ends: Blender drops a timer that raises
}


def test_listing_methods_imports_no_torch_and_no_numba() -> None:
    script = (
        "import sys; from lightkiln.methods.registry import discover; "
        "assert all(found.spec for found in discover().values()), discover(); "
        "sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0


def test_nothing_in_the_product_unpickles_or_evaluates() -> None:
    forbidden = re.compile(r"\b(pickle|eval\(|exec\(|shell=True|extractall)\b")
    calls = [
        f"{name_of(path)}: {line.strip()}"
        for path in PRODUCT
        for line in path.read_text(encoding="utf-8").splitlines()
        if forbidden.search(line) and not line.strip().startswith(("#", '"'))
    ]
    assert not calls
