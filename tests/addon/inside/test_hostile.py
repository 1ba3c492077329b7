# SPDX-License-Identifier: GPL-3.0-or-later
"""A backend that lies, dies or is another: one sentence, no dead button, nothing half-done."""

from __future__ import annotations

import os
import resource
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import bpy
import pytest
from conftest import module
from pictures import png

LIAR = Path(__file__).parent.parent / "methods" / "hostile_backend.py"


@pytest.fixture(scope="module", autouse=True)
def memory() -> Iterator[None]:
    """Whatever a backend says, this Blender grows by 256 MiB at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 256 * 1024, "kilobytes, on Linux"


@pytest.fixture
def order_from(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    add_camera: Callable[..., bpy.types.Object],
) -> Callable[..., None]:
    """Makes the next backend that is started the one of a command, and orders a job from it."""

    def order(*command: str) -> None:
        monkeypatch.setenv("LIGHTKILN_COMMAND", shlex.join(command))
        module("preferences").get().data_folder = str(tmp_path / "backend")
        for index, x in enumerate((-4.0, 4.0, 6.0)):
            add_camera(str(index), (x, 2.0, 1.0), (0.0, 0.0, 0.0), png(tmp_path / f"{index}.png"))
        bpy.ops.lightkiln.reconstruct()

    return order


@pytest.fixture
def start_lying(order_from: Callable[..., None]) -> Callable[[str], None]:
    """Orders a job from a backend that lies."""
    return lambda lie: order_from(os.environ["LIGHTKILN_PYTHON"], str(LIAR), lie)


def _says(text: str) -> Callable[[], bool]:
    status = module("status")

    def holds() -> bool:
        current = status.current
        said = [current.problem, current.link_error, current.job.reason if current.job else ""]
        return any(text in sentence for sentence in said)

    return holds


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ("nan", "positions that are no numbers"),
        ("index", "a triangle of vertex 4"),
        ("negative", "a triangle of vertex -1"),
        ("many", "bytes instead of"),
        ("few", "bytes instead of"),
        ("short", "bytes instead of"),
        ("endless", "900000000 bytes instead of"),
        ("hash", "arrived damaged"),
    ],
)
def test_a_mesh_that_cannot_be_is_refused(
    start_lying: Callable[[str], None], pump_until: Callable[..., None], lie: str, sentence: str
) -> None:
    start_lying(lie)
    pump_until(_says(sentence), may_fail=True)
    assert not bpy.data.meshes
    assert "Lightkiln" not in bpy.data.collections
    assert bpy.ops.lightkiln.reconstruct.poll()
    assert bpy.ops.lightkiln.fetch_result.poll()


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ("frames-name", "Frame 2 of"),
        ("frames-large", "Frame 2 of"),
        ("frames-sizes", "Frame 3 of"),
        ("frames-kind", "Frame 1 of"),
        ("frames-packed", "Frame 1 of"),
        ("frames-claim", "Frame 1 of"),
        ("frames-cut", "Frame 2 of"),
        ("job", "no name of a job"),
    ],
)
def test_pictures_that_cannot_be_are_refused(
    start_lying: Callable[[str], None],
    pump_until: Callable[..., None],
    add_camera: Callable[..., bpy.types.Object],
    tmp_path: Path,
    lie: str,
    sentence: str,
) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "a" / "b" / "scene.blend"))
    camera = add_camera("Flight", (3.0, 3.0, 1.0), (0.0, 0.0, 0.0))
    camera.select_set(False)
    bpy.context.scene.lightkiln.frames_camera = camera
    start_lying(lie)
    pump_until(_says(sentence), may_fail=True)
    assert not camera.data.background_images
    assert not bpy.data.meshes
    assert not [path for path in tmp_path.rglob("*") if path.name in ("escaped.png", "out")]
    assert not list(tmp_path.rglob("frames.zip"))
    assert bpy.ops.lightkiln.reconstruct.poll()


@pytest.mark.parametrize(
    ("lie", "sentence"),
    [
        ("preview-index", "a triangle of vertex 3"),
        ("preview-many", "its size is not what it says"),
        ("preview-endless", "more events at once"),
        ("certificate", "has another certificate"),
        ("token", "The token is wrong."),
        ("protocol", "speaks protocol 99"),
        ("dies", "the graphics card has melted"),
    ],
)
def test_a_backend_that_cannot_be_trusted_is_left_with_a_sentence(
    start_lying: Callable[[str], None], pump_until: Callable[..., None], lie: str, sentence: str
) -> None:
    start_lying(lie)
    pump_until(_says(sentence), may_fail=True)
    assert not bpy.data.meshes
    pump_until(bpy.ops.lightkiln.connect.poll, seconds=20.0, may_fail=True)


def test_a_full_disk_is_said_before_anything_is_sent(
    order_from: Callable[..., None], pump_until: Callable[..., None]
) -> None:
    wants_more_than_there_is = 'exec "$0" -m lightkiln "$@" --min-free-mb 1000000000'
    order_from("sh", "-c", wants_more_than_there_is, os.environ["LIGHTKILN_PYTHON"])
    pump_until(_says("The backend's disk is too full"), may_fail=True)
    job = module("status").current.job
    assert (job.state, job.job_id) == ("failed", "")
    assert job.reason.endswith("Delete old jobs, or free space on that disk.")
    assert bpy.ops.lightkiln.reconstruct.poll()


def test_a_missing_backend_is_named(
    monkeypatch: pytest.MonkeyPatch, pump_until: Callable[..., None], tmp_path: Path
) -> None:
    monkeypatch.delenv("LIGHTKILN_COMMAND")
    monkeypatch.setenv("PATH", str(tmp_path))
    module("preferences").get().data_folder = str(tmp_path / "nothing")
    bpy.ops.lightkiln.connect()
    pump_until(_says("No Lightkiln backend was found on this computer."))
    assert bpy.ops.lightkiln.connect.poll()
