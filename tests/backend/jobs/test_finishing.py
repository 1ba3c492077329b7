# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes after the method: the time limit counts it, and a pause of it loses nothing."""

from __future__ import annotations

import json
import threading
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import still_life
import synthetic
from lightkiln.capture.open_scene import file_ref, open_scene
from lightkiln.jobs import worker
from lightkiln.jobs.finishing import SHARE_OF_TEXTURE, TOO_LATE
from lightkiln.jobs.folder import Control, JobFolder, JobSpec, create
from lightkiln.jobs.frames import FRAMES, NOT_AGAIN
from lightkiln.mesh.export import save_mesh
from lightkiln.methods import registry
from lightkiln_shared.camera import Camera
from lightkiln_shared.scene import Photo, Scene

TEXTURED = {"texture": 128}


@pytest.fixture
def made(synthetic_scene: synthetic.SyntheticScene, tmp_path: Path) -> Any:
    """Makes jobs of the scene; with `surface`, the method's work is done."""
    scene, files = open_scene(synthetic_scene.folder)
    surface = tmp_path / "surface.ply"
    save_mesh(synthetic_scene.mesh, surface)

    def make(method: str, is_done: bool, path: tuple[Camera, ...] = (), **about: Any) -> JobFolder:
        job = JobSpec(job_id="0" * 16, title="t", method=method, preset="standard", **about)
        wanted = replace(scene, path=path)
        return create(tmp_path / "job", job, wanted, files, surface if is_done else None)

    return make


def worked(folder: JobFolder) -> tuple[str, list[str]]:
    """How an attempt ended, and what was warned of so far."""
    assert worker.work(folder.path, "cpu", owned=False) == 0
    events = [json.loads(line) for line in folder.events.read_text().splitlines()]
    last = [event for event in events if event["kind"] == "state"][-1]
    return last["text"], [event["text"] for event in events if event["kind"] == "warning"]


def test_a_pause_of_the_texture_says_nothing_of_starting_over(made: Any) -> None:
    folder = made("visual-hull", is_done=True, finish=TEXTURED)
    folder.write_control(Control(pause=True))
    assert worked(folder) == ("paused", [])
    folder.write_control(Control())
    assert worked(folder) == ("succeeded", [])
    assert (folder.artifacts / "basecolor.png").exists()


def test_a_pause_between_the_pictures_of_a_path_loses_none(
    made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIGHTKILN_METHODS", "methods_for_tests:SPEC")
    registry.discover.cache_clear()
    camera = Camera(
        world_from_camera=np.eye(4), focal=(9.0, 9.0), principal_point=(4.0, 4.0), width=8, height=8
    )
    folder = made("counter", is_done=False, params={"steps": 3}, path=(camera,) * 3000)

    def pause_after_the_mesh() -> None:
        while not folder.surface.exists():
            time.sleep(0.001)
        folder.write_control(Control(pause=True))

    person = threading.Thread(target=pause_after_the_mesh)
    person.start()
    assert worked(folder)[0] == "paused"
    person.join()
    assert not (folder.artifacts / FRAMES).exists(), "the pause came too late for this test"
    folder.write_control(Control())
    state, warnings = worked(folder)
    assert (state, NOT_AGAIN in warnings) == ("succeeded", False)
    registry.discover.cache_clear()
    with zipfile.ZipFile(folder.artifacts / FRAMES) as archive:
        assert archive.namelist() == [f"{index + 1:04}.png" for index in range(3000)]


def test_a_pause_of_an_alignment_says_nothing_of_starting_over(tmp_path: Path) -> None:
    paths = still_life.write(tmp_path / "photographs", still_life.around(3))
    photos = {file_ref(path): path for path in paths}
    scene = Scene(views=(), photos=tuple(Photo(image=ref) for ref in photos))
    job = JobSpec(job_id="0" * 16, title="t", method="align", preset="draft")
    files = {ref.sha256: path for ref, path in photos.items()}
    folder = create(tmp_path / "job", job, scene, files)
    folder.write_control(Control(pause=True))
    assert worked(folder) == ("paused", [])


def test_a_texture_for_which_no_time_is_left_is_left_out(made: Any) -> None:
    folder = made("visual-hull", is_done=True, finish=TEXTURED, time_limit=1e-6)
    assert worked(folder) == ("succeeded", [TOO_LATE])
    assert {path.name for path in folder.artifacts.iterdir()} >= {"mesh.ply", "mesh.glb"}
    assert not (folder.artifacts / "basecolor.png").exists()


@pytest.mark.parametrize("finish", [{}, TEXTURED], ids=["plain", "textured"])
def test_the_method_leaves_time_for_the_texture(
    made: Any, monkeypatch: pytest.MonkeyPatch, finish: dict[str, int]
) -> None:
    monkeypatch.setenv("LIGHTKILN_METHODS", "methods_for_tests:SPEC")
    registry.discover.cache_clear()
    limit = 1000.0
    folder = made("counter", is_done=False, params={"steps": 5}, time_limit=limit, finish=finish)
    assert worked(folder)[0] == "succeeded"
    registry.discover.cache_clear()
    report = json.loads((folder.artifacts / "report.json").read_bytes())
    told = [step for step in report["curves"] if "seconds_left" in step]
    assert len(told) == 5
    for step in told:
        whole = step["seconds"] + step["seconds_left"]
        assert whole == pytest.approx(limit * (1.0 - SHARE_OF_TEXTURE if finish else 1.0), abs=1.0)
    assert (folder.artifacts / "basecolor.png").exists() == bool(finish)
