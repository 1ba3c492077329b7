# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes go to the extension and come from it through one folder, and others read what leaves."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pycolmap
import running_server
import synthetic
from lightkiln.capture import bundle
from lightkiln.capture.open_scene import open_scene
from lightkiln_shared.codec import to_json


def convert(scene: Path, output: Path, kind: str) -> None:
    command = [sys.executable, "-m", "lightkiln", "convert", scene, "-o", output, "--to", kind]
    done = subprocess.run(
        command, capture_output=True, text=True, env=running_server.environment(), check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_colmap_model_goes_to_the_extension_and_back(
    synthetic_scene: synthetic.SyntheticScene, tmp_path: Path
) -> None:
    scene, files = open_scene(synthetic_scene.folder)
    given = tmp_path / "дано"
    (given / "files").mkdir(parents=True)
    (given / "scene.json").write_bytes(to_json(scene))
    for sha256, path in files.items():
        shutil.copyfile(path, given / "files" / sha256)
    (given / "points.ply").write_bytes(
        b"ply\nformat ascii 1.0\nelement vertex 2\n"
        b"property float x\nproperty float y\nproperty float z\n"
        b"property uchar red\nproperty uchar green\nproperty uchar blue\nend_header\n"
        b"1 2 3 255 0 0\n-1 0 0.5 0 128 255\n"
    )
    convert(given, tmp_path / "colmap", "colmap")
    model = pycolmap.Reconstruction(str(tmp_path / "colmap" / "sparse" / "0"))
    assert model.num_images() == len(scene.views)
    assert sorted(tuple(point.xyz) for point in model.points3D.values()) == [
        (-1.0, 0.0, 0.5),
        (1.0, 2.0, 3.0),
    ]

    convert(tmp_path / "colmap", tmp_path / "back", "lightkiln")
    back = json.loads((tmp_path / "back" / "scene.json").read_bytes())
    places = json.loads((tmp_path / "back" / "files.json").read_text())
    by_name = {view.name: view for view in scene.views}
    assert len(back["views"]) == len(scene.views)
    for view in back["views"]:
        same = by_name[view["image"]["name"]]
        assert Path(places[view["image"]["sha256"]]).is_file()
        assert view["image"]["sha256"] == same.image.sha256
        np.testing.assert_allclose(
            view["camera"]["world_from_camera"], same.camera.world_from_camera, atol=1e-9
        )
    assert b"element vertex 2\n" in (tmp_path / "back" / "points.ply").read_bytes()
    assert not bundle.is_bundle(tmp_path / "back")  # its images lie elsewhere
