# SPDX-License-Identifier: GPL-3.0-or-later
"""From a folder of photographs, or a video, to a scene and to a mesh, as a person types it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap
import pytest
import running_server
import still_life
from lightkiln.capture.inputs import PhotoFile
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.sfm import video
from lightkiln.capture.sfm.preparing import sharpness
from lightkiln_shared.errors import InvalidScene
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from small_disk import small_disk

LIGHTKILN = (sys.executable, "-m", "lightkiln")
QUICK = ("--set", "features=800")


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five photographs of the still life, and a file that is none."""
    folder = tmp_path_factory.mktemp("Ferien 2026") / "Fotos Küche"
    still_life.write(folder, still_life.around(5))
    (folder / "notes.txt").write_text("not a photograph")
    return folder


def run(*words: str | Path, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*LIGHTKILN, *map(str, words)],
        capture_output=True,
        text=True,
        timeout=250,
        env={**running_server.environment(), **more},
    )


def test_a_folder_of_photographs_becomes_a_scene_and_a_colmap_model(
    photographs: Path, tmp_path: Path
) -> None:
    answer = run("align", photographs, "-o", tmp_path / "scene", *QUICK)
    assert answer.returncode == 0, answer.stderr
    assert "passed over: notes.txt" in answer.stderr
    assert "5 of 5 photographs placed" in answer.stderr
    scene, files = open_scene(tmp_path / "scene")
    assert [view.name for view in scene.views] == [f"photo {i:02}.jpg" for i in range(5)]
    assert scene.region is not None
    assert all(path.is_file() for path in files.values())
    model = pycolmap.Reconstruction(str(tmp_path / "scene" / "sparse" / "0"))
    by_name = {image.name: image for image in model.images.values()}
    for view in scene.views:
        centre = by_name[view.name].projection_center()
        np.testing.assert_allclose(view.camera.centre, centre, atol=1e-9)
    again = run("align", photographs, "-o", tmp_path / "scene", *QUICK)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_reconstruct_takes_photographs_without_cameras(photographs: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.ply"
    answer = run("reconstruct", photographs, "-o", output, "--method", "counter")
    assert answer.returncode == 0, answer.stderr
    assert output.exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("align", "OUT/nothing", "-o", "OUT/scene"), "no folder or video"),
        (("align", "OUT", "-o", "OUT/scene"), "holds no photographs"),
        (("reconstruct", "OUT", "-o", "OUT/x.glb"), "holds no photographs"),
        (("align", "OUT", "-o", "OUT/no/scene"), "There is no folder"),
    ],
)
def test_what_cannot_be_aligned_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    (tmp_path / "notes.txt").write_text("not a photograph")
    answer = run(*(word.replace("OUT", str(tmp_path)) for word in words))
    assert answer.returncode == 2
    assert says in answer.stderr
    assert "Traceback" not in answer.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_disk_that_fills_while_it_works_is_told(photographs: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 2) as disk:
        answer = run("align", photographs, "-o", tmp_path / "scene", TMPDIR=str(disk))
    assert answer.returncode == 2
    assert "disk" in answer.stderr.replace("\n", " ")
    assert "full" in answer.stderr
    assert not (tmp_path / "scene").exists()


def film(path: Path, frames: list[NDArray[Any]]) -> Path:
    """Write frames (H, W, 3) as a video."""
    size = frames[0].shape[1], frames[0].shape[0]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 15.0, size)
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def test_of_a_video_the_sharp_frames_a_step_apart_are_taken(tmp_path: Path) -> None:
    things = still_life.StillLife()
    sharp = [things.photograph(camera) for camera in still_life.around(12, turn=0.8)]
    frames = [sharp[0]] * 8  # the camera rests at first
    for still in sharp:
        frames += [still, gaussian_filter(still, (2.5, 2.5, 0))]  # and is shaken at every step
    path = film(tmp_path / "film.mp4", frames)
    assert video.is_video(path)
    chosen = video.extract(PhotoFile(name=path.name, path=path), tmp_path / "frames")
    assert 6 <= len(chosen) <= 12
    kept = [sharpness(cv2.imread(str(each.path), cv2.IMREAD_GRAYSCALE)) for each in chosen]
    shaken = sharpness(frames[-1].mean(axis=-1))
    assert min(kept[:-1]) > 3.0 * shaken


def test_a_video_becomes_a_scene_with_its_frames(tmp_path: Path) -> None:
    things = still_life.StillLife()
    frames = [things.photograph(camera) for camera in still_life.around(10, turn=1.0)]
    path = film(tmp_path / "film.mp4", frames)
    answer = run("align", path, "-o", tmp_path / "scene", "--video", *QUICK)
    assert answer.returncode == 0, answer.stderr
    scene, _ = open_scene(tmp_path / "scene")
    assert len(scene.views) >= 6
    assert scene.views[0].name == "frame-0000.jpg"


def test_frames_of_a_video_are_taken_by_their_numbers(tmp_path: Path) -> None:
    levels = [np.full((64, 96, 3), 10 + 12 * index, np.uint8) for index in range(20)]
    path = film(tmp_path / "grey.mp4", levels)
    out = tmp_path / "out"
    answer = run("frames", path, "19", "3", "0", "-o", out, "--fps", "15")
    assert answer.returncode == 0, answer.stderr
    found = {each.name: cv2.imread(str(each)).mean() for each in out.iterdir()}
    expected = {f"frame-{number:06}.jpg": 10 + 12 * number for number in (0, 3, 19)}
    assert found == pytest.approx(expected, abs=4)  # the next has 12 more
    answer = run("frames", path, "3", "20", "-o", tmp_path / "none", "--fps", "15")
    assert answer.returncode == 2
    assert "has no frame 20: it ends at 19" in answer.stderr.replace("\n", " ")
    assert not (tmp_path / "none").exists()


def test_a_video_of_four_frames_and_one_that_is_none_are_told(tmp_path: Path) -> None:
    short = film(tmp_path / "short.mp4", [np.zeros((64, 64, 3), np.uint8)] * 4)
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(b"\0\0\0\x18ftypmp42" + os.urandom(500))
    with pytest.raises(InvalidScene, match=r"short.mp4 has only 4 frames"):
        video.extract(PhotoFile(name=short.name, path=short), tmp_path / "short")
    with pytest.raises(InvalidScene, match=r"torn.mp4 cannot be read"):
        video.extract(PhotoFile(name=torn.name, path=torn), tmp_path / "torn")
