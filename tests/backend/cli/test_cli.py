# SPDX-License-Identifier: GPL-3.0-or-later
"""Every command once, as a person types it; and the list of options, which grows on purpose."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import running_server
from lightkiln.cli import COMMANDS, app, load
from lightkiln.mesh.export import load_mesh, save_mesh
from lightkiln.methods.registry import discover
from lightkiln_shared.geometry import TriangleMesh
from synthetic import SyntheticScene
from typer.testing import CliRunner

OPTIONS = {
    "backends": ["--forget", "--search"],
    "clients": ["--data", "--revoke"],
    "pair": ["--data", "--name", "--with"],
    "align": [
        *("--detach", "--json", "--output", "--preset", "--set", "--video", "-o", "photos"),
    ],
    "segment": [
        *("--detach", "--json", "--method", "--output", "--preset", "--set", "-o", "scene"),
    ],
    "jobs": ["--all", "--data", "--json", "--priority"],
    "job": ["--data", "--json", "job"],
    "follow": ["--data", "--json", "job"],
    "fetch": ["--data", "--json", "--output", "--photos", "--report", "-o", "job"],
    "cancel": ["--data", "--json", "--keep-mesh", "job"],
    **{name: ["--data", "--json", "job"] for name in ("pause", "resume", "retry", "delete")},
    "keep": ["--data", "--json", "--no-longer", "job"],
    "devices": ["--data", "--json"],
    "convert": ["--output", "--to", "-o", "scene"],
    "doctor": [],
    "evaluate": [
        "--against",
        "--dtu",
        "--json",
        "--scan",
        "--views",
        "--weights",
        "dataset",
        "mesh",
    ],
    "frames": ["--fps", "--output", "-o", "film", "numbers"],
    "methods": ["--json", "name"],
    "train": [
        *("--batch", "--device", "--large", "--minutes", "--output", "--seed", "--size"),
        *("--steps", "--tensorboard", "-o", "folder", "learner"),
    ],
    "dataset": [
        *("--blender", "--count", "--families", "--meshes", "--painter", "--pixels", "--views"),
        *("--workers", "action", "folder"),
    ],
    "lighten": ["--bits", "--output", "--weights", "-o", "dataset", "learner"],
    "generate": [
        *("--detach", "--json", "--meshes", "--method", "--output", "--preset", "--seed"),
        *("--set", "--texture", "--turntable", "-o"),
    ],
    "reconstruct": [
        *("--detach", "--devices", "--faces", "--fill-holes", "--frames", "--json"),
        *("--keep-largest", "--method", "--output", "--preset"),
        *("--report", "--set", "--spacing", "--texture", "--time-limit", "-o", "scene"),
    ],
    "serve": [
        *("--announce", "--data", "--executor", "--idle-exit", "--lan", "--min-free-mb"),
        *("--name", "--port", "--ray-address", "--shared", "--token-from-stdin"),
        *("--web", "--web-lan", "--web-port"),
    ],
    "web": ["--data"],
    "text": [
        *("--candidates", "--detach", "--image", "--json", "--method", "--negative", "--output"),
        *("--preset", "--prior", "--seed", "--set", "--start", "--texture", "--turntable", "-o"),
        "prompt",
    ],
    "texture": [
        *("--detach", "--faces", "--fill-holes", "--json", "--keep-largest", "--no-normal-map"),
        *("--output", "--scene", "--size", "-o", "mesh"),
    ],
    "worker": ["--device", "--owned", "folder"],
}
LIGHTKILN = (sys.executable, "-m", "lightkiln")


def run(*words: str | Path, timeout: float = 60.0) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LIGHTKILN, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=running_server.environment(),
    )


def options_of(command: Any) -> list[str]:
    names = [name for param in command.params for name in (*param.opts, *param.secondary_opts)]
    return sorted(name for name in names if name != "--help")


def test_the_commands_and_their_options_are_the_known_ones() -> None:
    assert {name: options_of(load(name)) for name in COMMANDS} == OPTIONS


@pytest.mark.parametrize("words", [["--help"], ["methods"]], ids=" ".join)
def test_help_and_methods_are_quick_and_import_nothing_heavy(words: list[str]) -> None:
    script = (
        "import sys; from lightkiln.cli import app\n"
        f"try: app({words})\n"
        "except SystemExit: pass\n"
        "sys.exit(bool({'torch', 'numba', 'scipy', 'trimesh', 'PIL'} & set(sys.modules)))"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert answer.returncode == 0, answer.stderr
    assert b"method" in answer.stdout.lower()
    # The bar is 0.6 s on an idle machine; processor time does not depend on who else works.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.2


def test_a_method_shows_its_parameters() -> None:
    answer = run("methods", "counter")
    assert "Seconds a step takes." in answer.stdout
    assert "1 ... 1e+06" in answer.stdout


def test_a_scene_becomes_a_mesh_with_its_report(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    output = tmp_path / "out.obj"
    words = ("reconstruct", synthetic_scene.folder, "-o", output, "--method", "counter")
    answer = run(*words, "--set", "steps=7", "--report")
    assert answer.returncode == 0, answer.stderr
    mesh = load_mesh(output)
    assert float(mesh.positions[:, 0].max()) == 7.0
    assert json.loads((tmp_path / "out.json").read_text())["params"]["steps"] == 7


def test_ctrl_c_finishes_with_the_mesh_so_far_and_twice_stops(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    outputs = [tmp_path / "once.ply", tmp_path / "twice.ply"]
    processes = [
        subprocess.Popen(
            [
                *(*LIGHTKILN, "reconstruct", str(synthetic_scene.folder), "-o", str(output)),
                *("--method", "counter", "--set", "steps=1000000", "--set", f"deaf={deaf}"),
            ],
            stderr=subprocess.DEVNULL,
            env={**running_server.environment(), "TMPDIR": str(tmp_path)},
        )
        for output, deaf in zip(outputs, ("false", "true"), strict=True)
    ]
    while sum(b"counting" in path.read_bytes() for path in tmp_path.glob("*/job/*.jsonl")) < 2:
        time.sleep(0.05)
    for process in (*processes, processes[1]):
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
    codes = [process.wait(20) for process in processes]
    assert codes == [0, 130]
    assert [output.exists() for output in outputs] == [True, False]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("reconstruct", "SCENE", "-o", "OUT/x.stl"), "no kind of mesh"),
        (("reconstruct", "SCENE", "-o", "OUT/no/x.glb"), "There is no folder"),
        (("reconstruct", "OUT", "-o", "OUT/x.glb", "--method", "counter"), "poses"),
        (("reconstruct", "SCENE", "-o", "OUT/x.glb", "--method", "magic"), "no method 'magic'"),
        (
            ("reconstruct", "SCENE", "-o", "OUT/x.glb", "--method", "counter", "--preset", "best"),
            "no preset 'best'",
        ),
        (
            ("reconstruct", "SCENE", "-o", "OUT/x.glb", "--method", "counter", "--set", "steps=x"),
            "steps=x is not a whole number",
        ),
        (
            ("reconstruct", "SCENE", "-o", "OUT/x.glb", "--method", "counter", "--set", "steps=0"),
            "out of range",
        ),
        (
            ("reconstruct", "SCENE", "-o", "OUT/x.glb", "--method", "counter", "--set", "hue=1"),
            "no parameter 'hue'",
        ),
        (
            (
                "reconstruct",
                "SCENE",
                "-o",
                "OUT/x.glb",
                "--method",
                "counter",
                "--set",
                "ending=empty",
            ),
            "No surface was found",
        ),
        (("evaluate", "OUT/no.ply", "--against", "OUT/no.ply"), "does not exist"),
        (("methods", "magic"), "no method 'magic'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    synthetic_scene: SyntheticScene,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    says: str,
) -> None:
    places = {"SCENE": str(synthetic_scene.folder), "OUT": str(tmp_path)}
    for name, path in places.items():
        words = tuple(word.replace(name, path, 1) for word in words)
    for name, value in running_server.environment().items():
        monkeypatch.setenv(name, value)
    discover.cache_clear()
    answer = CliRunner().invoke(app, words)
    discover.cache_clear()
    assert answer.exit_code == 2
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_mesh_is_judged_against_itself(synthetic_scene: SyntheticScene, tmp_path: Path) -> None:
    truth = tmp_path / "truth.ply"
    save_mesh(synthetic_scene.mesh, truth)
    moved = TriangleMesh(
        positions=synthetic_scene.mesh.positions + 0.01, triangles=synthetic_scene.mesh.triangles
    )
    save_mesh(moved, tmp_path / "moved.glb")
    same = judged(truth, "--against", truth, "--json")
    off = judged(tmp_path / "moved.glb", "--against", truth, "--json")
    assert same["chamfer"] < 1e-4  # samples of a curved surface, metres
    assert same["f_scores"]["0.005"] == 1.0
    assert 0.005 < off["chamfer"] < 0.02


def judged(*words: str | Path) -> Any:
    return json.loads(CliRunner().invoke(app, ["evaluate", *map(str, words)]).stdout)


def test_the_doctor_names_what_is_missing() -> None:
    answer = run("doctor")
    assert answer.returncode in (0, 1)
    assert "numba" in answer.stdout
    assert "Free disk" in answer.stdout
    assert "Traceback" not in answer.stderr
