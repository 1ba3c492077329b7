# SPDX-License-Identifier: GPL-3.0-or-later
"""Every kind of bad scene on the command line: the sentence in full, and nothing left behind.

`docs/bad_input.md` lists them beside what the panel says.
"""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import running_server
from lightkiln.mesh.export import load_mesh
from PIL import Image
from synthetic import SyntheticScene

NAME = "view_04.png"
Document = dict[str, Any]
Spoil = Callable[[Path, Document], object]
WORDS = ("--method", "counter", "--preset", "draft")


@pytest.fixture
def scene(synthetic_scene: SyntheticScene, tmp_path: Path) -> Path:
    """Four views; the second is `NAME`."""
    folder = tmp_path / "scene"
    shutil.copytree(synthetic_scene.folder, folder)
    return folder


def spoiled(scene: Path, spoil: Spoil) -> None:
    path = scene / "transforms.json"
    document = json.loads(path.read_text())
    document["frames"] = document["frames"][::4]
    spoil(scene / "images" / NAME, document)
    path.write_text(json.dumps(document))


def reconstruct(scene: Path, output: Path, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [
            *(sys.executable, "-m", "lightkiln", "reconstruct", str(scene)),
            *("-o", str(output), *WORDS, *more),
        ],
        env={**running_server.environment(), "COLUMNS": "400", "TMPDIR": str(scene.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )


def cut(image: Path, _: Document) -> None:
    image.write_bytes(image.read_bytes()[:-400])


def make_500_megapixels(image: Path, _: Document) -> None:
    data = bytearray(image.read_bytes())
    data[16:24] = struct.pack(">II", 25_000, 20_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    image.write_bytes(data)


def move_region_away(_: Path, document: Document) -> None:
    matrix = np.eye(4)
    matrix[2, 3] = 90.0
    document["region"] = {"shape": "box", "world_from_region": matrix.tolist()}


BAD: dict[str, tuple[Spoil, str]] = {
    "no cameras": (
        lambda _, document: document.update(frames=[]),
        "transforms.json has no frames. Export the cameras again, with their poses.",
    ),
    "two views": (
        lambda _, document: document.update(frames=document["frames"][:2]),
        "The scene has 2 views; a surface needs at least 3. "
        "Select more cameras, best twenty or more all around the object.",
    ),
    "a camera without an image": (
        lambda _, document: document["frames"][1].pop("file_path"),
        "Frame 1 has no file_path. Name its image there.",
    ),
    "a missing file": (
        lambda image, _: image.unlink(),
        "The image view_04.png does not exist. It was looked for in {images}; put it there, or "
        "remove its entry.",
    ),
    "a truncated file": (
        cut,
        "The image view_04.png is damaged: image file is truncated. "
        "Copy or export it again, or leave its camera out.",
    ),
    "one pixel": (
        lambda image, _: Image.new("RGB", (1, 1)).save(image),
        "The image view_04.png has only 1 x 1 pixels. "
        "Use images of at least 16 x 16, or leave its camera out.",
    ),
    "500 megapixels": (
        make_500_megapixels,
        "The image view_04.png is too large: at most 200 megapixels and 16384 pixels a side can "
        "be used.",
    ),
    "another shape than the camera's": (
        lambda image, _: Image.open(image).resize((60, 96)).save(image),
        "The image view_04.png has 60 x 96 pixels, its camera 96 x 96. "
        "Use the images that the cameras were made for, neither cropped nor turned.",
    ),
    "cameras that do not see the region": (
        move_region_away,
        "Only 0 of 4 cameras see the region; view_00.png does not. "
        "Move the region to where the cameras look, or check the poses' convention.",
    ),
    "an empty mask": (
        lambda image, _: Image.new("RGBA", (96, 96)).save(image),
        "The mask of view_04.png is empty. Paint the object white in it, or leave its camera out.",
    ),
    "a pose that is not a number": (
        lambda _, document: document["frames"][1]["transform_matrix"][0].__setitem__(
            3, float("nan")
        ),
        "The camera of view_04.png has a pose or lens that is not a number. "
        "Align that photo again, or leave it out.",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_scene_is_refused_in_one_sentence_and_nothing_is_left(name: str, scene: Path) -> None:
    spoil, sentence = BAD[name]
    spoiled(scene, spoil)
    answer = reconstruct(scene, scene.parent / "out.ply")
    assert answer.returncode == 2
    last = answer.stderr.strip().splitlines()[-1]
    assert last == "lightkiln: " + sentence.format(images=scene / "images")
    assert "Traceback" not in answer.stderr
    assert [path.name for path in scene.parent.iterdir()] == ["scene"]


@pytest.mark.parametrize("name", BAD)
def test_the_page_on_bad_input_says_what_is_said(name: str) -> None:
    page = (Path(__file__).parents[3] / "docs" / "bad_input.md").read_text(encoding="utf-8")
    words = {"view_04.png": "FILE", "view_00.png": "NAME", "{images}": "FOLDER"}
    sentence = BAD[name][1]
    for shown, written in words.items():
        sentence = sentence.replace(shown, written)
    assert sentence in page


def test_images_of_mixed_sizes_are_used_as_they_are(scene: Path) -> None:
    spoiled(scene, lambda image, _: Image.open(image).resize((48, 48)).save(image))
    output = scene.parent / "out.ply"
    assert reconstruct(scene, output).returncode == 0
    assert len(load_mesh(output).positions) == 3


def test_a_worker_that_dies_is_named(scene: Path) -> None:
    spoiled(scene, lambda *_: None)
    answer = reconstruct(scene, scene.parent / "out.ply", "--set", "ending=dies")
    assert answer.returncode == 2
    assert answer.stderr.strip().splitlines()[-1] == (
        "lightkiln: The worker ended without a word (exit code -9). "
        "If it was killed, the memory was probably full: use a smaller preset."
    )
    assert [path.name for path in scene.parent.iterdir()] == ["scene"]
