# SPDX-License-Identifier: GPL-3.0-or-later
"""`lightkiln reconstruct --frames`: pictures along a path, beside the mesh."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import running_server
from PIL import Image
from synthetic import SyntheticScene

TWO_FRAMES = {
    "fl_x": 50.0,
    "w": 40,
    "h": 30,
    "frames": [
        {"transform_matrix": np.eye(4).tolist()},
        {"transform_matrix": np.eye(4).tolist(), "w": 20, "h": 10},
    ],
}


def run(scene: Path, output: Path, path: Any, *more: str) -> subprocess.CompletedProcess[str]:
    cameras = output.with_name("cameras.json")
    cameras.write_text(json.dumps(path))
    words = ("reconstruct", str(scene), "-o", str(output), "--method", "counter")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "lightkiln",
            *words,
            "--set",
            "steps=7",
            "--frames",
            str(cameras),
            *more,
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env=running_server.environment(),
    )


def test_every_camera_of_the_path_gets_its_picture(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    answer = run(synthetic_scene.folder, tmp_path / "out.ply", TWO_FRAMES)
    assert answer.returncode == 0, answer.stderr
    assert (tmp_path / "out.ply").exists()
    pictures = sorted((tmp_path / "out_frames").iterdir())
    assert [path.name for path in pictures] == ["0001.png", "0002.png"]
    shown = [np.asarray(Image.open(path)) for path in pictures]
    assert [each.shape for each in shown] == [(30, 40, 4), (10, 20, 4)]
    assert (shown[0] == 7).all()  # what the method had learned in the end


def test_pictures_are_kept_where_no_surface_is_found(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    answer = run(
        synthetic_scene.folder,
        tmp_path / "out.ply",
        TWO_FRAMES,
        "--set",
        "ending=empty",
        "--report",
    )
    assert answer.returncode == 0, answer.stderr
    said = " ".join(answer.stderr.split())
    assert "No surface was found. Only pictures are made." in said
    assert said.endswith("out_frames.")
    assert len(list((tmp_path / "out_frames").iterdir())) == 2
    assert not (tmp_path / "out.ply").exists()
    assert "mesh" not in json.loads((tmp_path / "out.json").read_text())


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"frames": []}, "has no frames"),
        ({"frames": [{"transform_matrix": np.eye(4).tolist()}], "fl_x": 9.0}, "no w and h"),
        ({**TWO_FRAMES, "k1": 0.1}, "no pinhole"),
        ({**TWO_FRAMES, "frames": [{"transform_matrix": [1.0]}]}, "not a matrix"),
        ({**TWO_FRAMES, "w": 50_000, "h": 30_000}, "1,500 megapixels in all"),
    ],
    ids=["none", "no size", "lens", "matrix", "large"],
)
def test_a_path_that_is_none_is_refused_before_any_work(
    synthetic_scene: SyntheticScene, tmp_path: Path, broken: Any, says: str
) -> None:
    answer = run(synthetic_scene.folder, tmp_path / "out.ply", broken)
    assert answer.returncode != 0
    assert says in " ".join(answer.stderr.split())
    assert not (tmp_path / "out.ply").exists()
