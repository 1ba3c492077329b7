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


RUNS_WHAT_IT_READS = {"pickle", "cPickle", "marshal", "shelve", "dill", "joblib", "cloudpickle"}
EVALUATES = {"eval", "exec", "compile", "__import__", "os.system", "os.popen"}
UNPACKS = ("extractall", "unpack_archive")


def dangerous(node: ast.AST) -> str:
    """What would let data become code or choose a path; empty: nothing of that."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        names = {alias.name for alias in node.names} | {getattr(node, "module", "") or ""}
        return "imports" if {name.split(".")[0] for name in names} & RUNS_WHAT_IT_READS else ""
    if not isinstance(node, ast.Call):
        return ""
    called = ast.unparse(node.func)
    given = {word.arg: ast.unparse(word.value) for word in node.keywords}
    if called in EVALUATES or called.endswith(UNPACKS):
        return called
    if called == "torch.load" and given.get("weights_only") != "True":
        return called
    if given.get("shell", "False") != "False" or given.get("allow_pickle", "False") != "False":
        return called
    return ""


def test_nothing_in_the_product_unpickles_or_evaluates() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}: {what}"  # type: ignore[attr-defined]
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (what := dangerous(node))
    ]
    assert not found


@pytest.mark.parametrize(
    "code",
    [
        *("import pickle", "from marshal import loads", "eval(x)", "os.system(x)"),
        *("torch.load(x)", "torch.load(x, weights_only=False)", "np.load(x, allow_pickle=True)"),
        *("run(x, shell=True)", "archive.extractall(x)", "shutil.unpack_archive(x)"),
    ],
)
def test_that_rule_sees(code: str) -> None:
    assert any(map(dangerous, ast.walk(ast.parse(code))))


NAMES_IN_PATHS = {
    "jobs/align.py: self._artifacts / self._free_name(file.name)": "made plain there",
    "jobs/files.py: self.folder / linked.name": "a file that lies in a job's folder",
    "jobs/view.py: self.job_folder(job_id).artifacts / artifact.name": "found in its list",
    "cli/results.py: folder / Path(each.filename).name": "the last part only",
    "cli/remote_job.py: folder / artifact.name": "seen to be plain before",
    "cli/segment.py: output / f'{Path(view.name).name}.png'": "the last part only",
    "capture/flattened.py: folder / photo.with_suffix('.png').name": "a path's own last part",
    "capture/flattened.py: folder / f'mask-{mask.stem}.png'": "a path's own last part",
    "world/blender_export.py: into / f'{number:03}-{_plain(file.stem)}'": "made plain there",
    "blender_addon/render_views.py: folder / f'{camera.name}.png'": "`is_file_name` stands before",
    "operators/convert.py: Path(self.directory) / "
    "f'{bpy.path.clean_name(order.title)}-{kind}'": "made plain there",
}
"""Where a name becomes a part of a path, and why it may."""


def test_no_name_from_elsewhere_becomes_a_path() -> None:
    found = {
        f"{'/'.join(path.parts[-2:])}: {ast.unparse(node)}"
        for path in PRODUCT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        for part in ast.walk(node.right)
        if isinstance(part, ast.Attribute)
        and part.attr in ("name", "title", "client", "stem", "filename")
    }
    assert found <= set(NAMES_IN_PATHS), found - set(NAMES_IN_PATHS)
