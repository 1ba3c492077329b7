# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs `inside/` in every Blender that the extension supports, on the zip that ships."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
import still_life
from addon.environments import BLENDERS, Unavailable, python_of

import build_addon

HERE = Path(__file__).parent
TIMEOUT = 900
LEFT_OUT = {
    "4.5.15": ("test_backends",),
    "5.0.1": ("test_backends",),
    "5.1.2": ("test_align", "test_backends", "test_hostile", "test_killed", "test_visual_hull"),
}
"""Blender -> what takes longest and depends least on Blender. 5.1 is between two that run all."""


@pytest.fixture(scope="module")
def extension() -> Path:
    return build_addon.build()


def photographs_in(folder: Path) -> Path:
    """Photographs of the still life, and where they were taken; made here, where numpy has help."""
    cameras = still_life.around(5)
    paths = still_life.write(folder, cameras)
    centres = {path.name: each.centre.tolist() for path, each in zip(paths, cameras, strict=True)}
    (folder / "truth.json").write_text(json.dumps(centres))
    return folder


def film_in(folder: Path) -> Path:
    """A short walk around the still life."""
    things = still_life.StillLife()
    frames = [things.photograph(camera) for camera in still_life.around(10, turn=1.0)]
    path = folder / "walk.mp4"
    size = frames[0].shape[1], frames[0].shape[0]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 15.0, size)
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return film_in(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return photographs_in(tmp_path_factory.mktemp("still life"))


@pytest.fixture
def blender_folder(tmp_path: Path) -> Iterator[Path]:
    """Where Blender keeps its own files; the backends started from there end with it."""
    yield tmp_path
    for runtime in tmp_path.rglob("server.json"):
        os.kill(json.loads(runtime.read_text())["pid"], signal.SIGTERM)


@pytest.mark.blender
@pytest.mark.timeout(TIMEOUT + 600)  # making an environment takes a while, once
@pytest.mark.parametrize("blender", BLENDERS)
def test_the_extension_works_in(
    blender: str, extension: Path, photographs: Path, film: Path, blender_folder: Path
) -> None:
    try:
        python = python_of(blender)
    except Unavailable as reason:
        pytest.skip(str(reason))
    command = [python, "-m", "pytest", "-q", "-c", os.devnull, "-p", "no:cacheprovider"]
    command += ["--rootdir", HERE / "inside", "--confcutdir", HERE / "inside", HERE / "inside"]
    command += [f"--ignore={HERE / 'inside' / name}.py" for name in LEFT_OUT.get(blender, ())]
    backend = ["env", f"PYTHONPATH={HERE / 'methods'}", sys.executable, "-m", "lightkiln"]
    about = {
        "BLENDER_USER_RESOURCES": str(blender_folder),
        "LIGHTKILN_ZIP": str(extension),
        "LIGHTKILN_COMMAND": shlex.join(backend),
        "LIGHTKILN_METHODS": "paced:SPEC",
        "LIGHTKILN_PYTHON": sys.executable,
        "LIGHTKILN_PHOTOGRAPHS": str(photographs),
        "LIGHTKILN_FILM": str(film),
    }
    run = subprocess.run(
        command, env={**os.environ, **about}, capture_output=True, text=True, timeout=TIMEOUT
    )
    assert run.returncode == 0, run.stdout[-8000:] + run.stderr[-2000:]
