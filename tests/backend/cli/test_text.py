# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln text`, as a person types it, with the manual's model in place of a long run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import cv2
import manual
import numpy as np
import pytest
import running_server
from lightkiln.cli import app
from lightkiln.mesh.export import load_mesh, save_mesh
from lightkiln.mesh.export_textured import load_textured
from lightkiln.methods.registry import discover
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from PIL import Image
from typer.testing import CliRunner

WORDS = ("text", "a red torus on a blue cube")
BLOBS = (*WORDS, "--method", "blobs", "--preset", "draft")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    known = running_server.environment()
    plugins = manual.write(tmp_path_factory.mktemp("plugins"))
    return {
        **known,
        "PYTHONPATH": os.pathsep.join((str(plugins), known["PYTHONPATH"])),
        "LIGHTKILN_METHODS": f"{known['LIGHTKILN_METHODS']},blobs:SPEC",
    }


def run(environment: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "lightkiln", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, env=environment)


def test_words_become_a_textured_mesh_and_a_film_that_plays(
    environment: dict[str, str], tmp_path: Path
) -> None:
    output, film = tmp_path / "out.glb", tmp_path / "out.mp4"
    words = ("-o", output, "--texture", "64", "--seed", "5", "--turntable", film)
    done = run(environment, *BLOBS, *words)
    assert done.returncode == 0, done.stderr
    assert "Seed 5." in done.stderr
    made = load_textured(output)
    assert made.base_color.shape == (64, 64, 3)
    capture = cv2.VideoCapture(str(film))
    pictures = []
    while (read := capture.read())[0]:
        pictures.append(read[1].astype(int))
    capture.release()
    assert len(pictures) == 120
    assert pictures[0].shape == (480, 480, 3)
    assert abs(pictures[0][2, 2] - 237).max() < 8  # the background
    first, half, last = pictures[0], pictures[60], pictures[-1]
    assert np.abs(first - last).mean() < np.abs(first - half).mean()  # it turned, once


def test_a_seed_gives_one_mesh_and_another_seed_another(
    environment: dict[str, str], tmp_path: Path
) -> None:
    outputs = [tmp_path / f"{name}.ply" for name in ("once", "again", "other")]
    for path, seed in zip(outputs, ("1", "1", "2"), strict=True):
        done = run(environment, *BLOBS, "-o", path, "--seed", seed)
        assert done.returncode == 0, done.stderr
    once, again, other = (load_mesh(path).positions for path in outputs)
    np.testing.assert_array_equal(once, again)
    assert once.shape != other.shape or np.abs(once - other).max() > 1e-4


def test_candidates_are_pictures_that_are_named_by_their_seeds(
    environment: dict[str, str], tmp_path: Path
) -> None:
    words = ("--method", "pictures", "--candidates", tmp_path / "looks", "--seed", "3")
    done = run(environment, *WORDS, *words)
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "looks").iterdir())
    assert names == [f"seed-{seed}.png" for seed in (3, 4, 5, 6)]
    assert "--seed 4: seed-4.png" in done.stderr


@pytest.mark.parametrize("size", [0.01, 0.8, 300.0])
def test_a_mesh_to_begin_from_comes_in_the_region_whatever_its_size(
    environment: dict[str, str], tmp_path: Path, size: float
) -> None:
    start = tmp_path / "start.glb"
    corners = size * np.array([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0.2]], dtype=np.float32)
    triangles = np.array([[0, 2, 1], [0, 1, 3]], dtype=np.int32)
    save_mesh(TriangleMesh(positions=corners, triangles=triangles), start)
    words = ("--method", "words", "--set", "steps=1", "--start", start, "-o", tmp_path / "x.glb")
    done = run(environment, *WORDS, *words)
    assert done.returncode == 0, done.stderr
    assert "From 2 triangles." in done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("text", "", "-o", "OUT/x.glb", "--method", "words"), "The prompt is empty."),
        (("text", "chair " * 500, "-o", "OUT/x.glb", "--method", "words"), "has 500 words"),
        (("text", "a\x07", "-o", "OUT/x.glb", "--method", "words"), "that are no text"),
        ((*WORDS, "--method", "words"), "Where shall the mesh go?"),
        ((*WORDS, "-o", "OUT/x.glb", "--method", "magic"), "no method 'magic'"),
        ((*WORDS, "-o", "OUT/x.glb", "--method", "words", "--prior", "x"), "draws from no prior"),
        ((*WORDS, "-o", "OUT/x.glb", "--candidates", "OUT/y"), "Candidates come before the mesh."),
        ((*WORDS, "-o", "OUT/x.glb", "--turntable", "OUT/x.gif"), "no film that can be written"),
        ((*WORDS, "-o", "OUT/x.glb", "--turntable", "OUT/no/x.mp4"), "There is no folder"),
        ((*WORDS, "-o", "OUT/x.glb", "--method", "words", "--image", "OUT/no.png"), "not exist"),
        (
            (*WORDS, "-o", "OUT/x.glb", "--method", "words", "--image", "GIVEN/a.glb"),
            "not an image",
        ),
        ((*WORDS, "-o", "OUT/x.glb", "--method", "words", "--start", "OUT/no.glb"), "not exist"),
        ((*WORDS, "-o", "OUT/x.glb", "--method", "words", "--start", "GIVEN/a.png"), "no kind"),
        ((*WORDS, "-o", "OUT/x.glb", "--method", "words", "--start", "GIVEN/p.ply"), "no triangle"),
        ((*WORDS, "-o", "OUT/x.glb", "--method", "blobs", "--set", "weights=no"), "no weights no"),
        (
            (*WORDS, "-o", "OUT/x.glb", "--method", "words", "--set", "ending=empty"),
            "plainer words",
        ),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    says: str,
) -> None:
    given, out = tmp_path / "given", tmp_path / "out"
    given.mkdir()
    out.mkdir()
    (given / "a.glb").write_bytes(b"no mesh")
    Image.new("RGB", (32, 32)).save(given / "a.png")
    points = np.eye(3, dtype=np.float32)
    save_points(PointCloud(positions=points), given / "p.ply")
    words = tuple(w.replace("OUT/", f"{out}/").replace("GIVEN/", f"{given}/") for w in words)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(environment["PYTHONPATH"].partition(os.pathsep)[0])
    discover.cache_clear()
    answer = CliRunner().invoke(app, words)
    discover.cache_clear()
    assert answer.exit_code == 2, answer.output
    assert says in " ".join(answer.stderr.split())
    assert "Traceback" not in answer.stderr
    assert list(out.iterdir()) == []


def save_points(points: PointCloud, path: Path) -> None:
    rows = "\n".join(" ".join(map(str, row)) for row in points.positions)
    head = f"ply\nformat ascii 1.0\nelement vertex {len(points.positions)}\n"
    axes = "".join(f"property float {axis}\n" for axis in "xyz")
    path.write_text(f"{head}{axes}end_header\n{rows}\n", encoding="ascii")
