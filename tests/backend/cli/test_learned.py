# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned shapes from the command line: each kind of input to a mesh, bad input to a sentence."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from lightkiln.cli import app
from lightkiln.learned import weights
from lightkiln.learned.catalogue import own_weights
from lightkiln.learned.world.samples import RADIUS
from lightkiln.learned.world.things import thing
from lightkiln.mesh.export import load_mesh
from lightkiln.mesh.rasterize import shade
from lightkiln.mesh.turntable import camera_around
from lightkiln.metrics.closest import sample
from lightkiln.testing import a_volume
from lightkiln_shared.errors import InvalidWeights, UserError
from lightkiln_shared.geometry import TriangleMesh
from PIL import Image
from safetensors.numpy import save_file
from trimesh import PointCloud
from typer.testing import CliRunner

UNSEEN = 1003
"""Of no dataset."""


def made(*words: str | Path) -> TriangleMesh:
    """The mesh that a command leaves; the last word is its file."""
    answer = CliRunner().invoke(app, [*map(str, words)])
    assert answer.exit_code == 0, answer.output
    mesh = load_mesh(Path(words[-1]))
    assert isinstance(mesh, TriangleMesh)
    return mesh


def refused(*words: str | Path) -> str:
    answer = CliRunner().invoke(app, [*map(str, words)])
    assert answer.exit_code == 2, answer.output
    return " ".join(answer.output.split())


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    camera = camera_around(np.zeros(3), RADIUS, 0.5, 0.3, 160)
    path = tmp_path / "bottle.png"
    Image.fromarray(shade(thing("bottle", UNSEEN).mesh, camera, lit=True)).save(path)
    return path


def test_one_photograph_becomes_a_mesh(picture: Path, tmp_path: Path) -> None:
    words = ("reconstruct", picture, "--method", "occupancy-network", "--preset", "draft")
    size = np.ptp(made(*words, "-o", tmp_path / "out.glb").positions, axis=0)
    true = np.ptp(thing("bottle", UNSEEN).mesh.positions, axis=0)
    assert size[2] == size.max()
    np.testing.assert_allclose(size / size[2], true / true[2], atol=0.12)


def test_a_folder_of_photographs_becomes_one_mesh(picture: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bottle"
    folder.mkdir()
    for angle in range(3):
        camera = camera_around(np.zeros(3), RADIUS, 2.0 * angle, 0.3, 100)
        seen = shade(thing("bottle", UNSEEN).mesh, camera, lit=True)
        Image.fromarray(seen).save(folder / f"{angle}.png")
    size = np.ptp(
        made("reconstruct", folder, "--method", "r2n2", "-o", tmp_path / "out.glb").positions,
        axis=0,
    )
    assert size[2] == size.max()


def test_sizes_of_networks_are_checked(tmp_path: Path) -> None:
    words = ("train", "r2n2", tmp_path, "--size")
    assert "r2n2 has no size depth=3" in refused(*words, "depth=3")
    assert "has no size kernel=three" in refused(*words, "kernel=three")
    assert "Its size is fixed" in refused("train", "prior", tmp_path, "--size", "width=3")


def test_points_become_a_closed_mesh_where_they_are(tmp_path: Path) -> None:
    mesh = thing("bottle", UNSEEN).mesh
    points = 0.1 * sample(mesh, 2000).points + (3.0, 1.0, 0.0)
    PointCloud(points).export(tmp_path / "points.ply")
    whole = made(
        *(
            "reconstruct",
            tmp_path / "points.ply",
            "--method",
            "deepsdf",
            "--preset",
            "draft",
            "--set",
            "steps=30",
            "-o",
        ),
        tmp_path / "out.glb",
    )
    low, high = whole.positions.min(axis=0), whole.positions.max(axis=0)
    np.testing.assert_allclose(low, points.min(axis=0), atol=0.02)
    np.testing.assert_allclose(high, points.max(axis=0), atol=0.02)


def test_slices_become_bones_in_their_true_size(tmp_path: Path) -> None:
    bones = made(
        *("reconstruct", a_volume(), "--method", "unet-slices", "-o"), tmp_path / "out.glb"
    )
    assert np.ptp(bones.positions, axis=0) == pytest.approx([0.16] * 3, abs=0.03)


def test_a_seed_becomes_a_thing(tmp_path: Path) -> None:
    """That one seed gives one thing, the contract of all methods shows."""
    one = made("generate", "--seed", "5", "-o", tmp_path / "one.ply")
    other = made("generate", "--seed", "6", "-o", tmp_path / "other.ply")
    assert len(one.positions) != len(other.positions)


def test_bad_input_is_told_in_a_sentence(tmp_path: Path, picture: Path) -> None:
    out = ("-o", tmp_path / "out.glb")
    empty = tmp_path / "empty"
    empty.mkdir()
    of_one = ("reconstruct", "--method", "pifu")
    assert "There is no file" in refused(*of_one, tmp_path / "no.png", *out)
    assert "looks at one photograph" in refused(*of_one, empty, *out)
    assert "is empty" in refused("reconstruct", "--method", "unet-slices", empty, *out)
    (tmp_path / "points.ply").write_text("ply\nnothing", encoding="ascii")
    said = refused("reconstruct", "--method", "deepsdf", tmp_path / "points.ply", *out)
    assert "cannot be read" in said
    assert "makes nothing of a seed" in refused("generate", "--method", "kiln", *out)
    assert not (tmp_path / "out.glb").exists()


def test_weights_of_another_method_are_refused(tmp_path: Path, picture: Path) -> None:
    words = ("reconstruct", picture, "--method", "pifu", "-o", tmp_path / "out.glb", "--set")
    pickled = tmp_path / "weights.pt"
    pickled.write_bytes(b"\x80\x04")
    assert "no safetensors file" in refused(*words, f"weights={pickled}")
    with pytest.raises(UserError, match="There is no file"):
        weights.about(tmp_path / "no.safetensors", "pifu")
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(b"\x10\0\0\0\0\0\0\0{")
    with pytest.raises(InvalidWeights, match="is damaged"):
        weights.about(torn, "pifu")
    save_file({"a": np.zeros(1, np.float32)}, torn)
    with pytest.raises(InvalidWeights, match="another program"):
        weights.about(torn, "pifu")
    with pytest.raises(InvalidWeights, match="was taught as vae3d"):
        weights.about(own_weights("vae3d"), "pifu")


def test_a_dataset_is_made_shown_learned_from_and_judged(tmp_path: Path) -> None:
    run = CliRunner().invoke
    few = ["--families", "mug,chair", "--count", "10", "--views", "2", "--pixels", "64"]
    folder, taught = str(tmp_path / "world"), tmp_path / "taught"
    answer = run(app, ["dataset", "make", folder, *few, "--workers", "1"])
    assert answer.exit_code == 0, answer.output
    assert "20 things: 16 for train, 2 for validation, 2 for test." in answer.output
    short = ["--steps", "3", "--batch", "4", "--size", "width=8", "-o", str(taught)]
    answer = run(app, ["train", "vae3d", folder, *short])
    assert answer.exit_code == 0, answer.output
    kept = str(taught / "weights.safetensors")
    answer = run(app, ["evaluate", "vae3d", folder, "--weights", kept, "--json"])
    assert answer.exit_code == 0, answer.output
    assert json.loads(answer.stdout)["method"] == "vae3d"
    answer = run(app, ["evaluate", "pifu", folder, "--weights", kept])
    assert answer.exit_code == 2
    assert "was taught as vae3d" in " ".join(answer.output.split())
