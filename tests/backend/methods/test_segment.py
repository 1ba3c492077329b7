# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that nobody painted: a job leaves one for each photograph, in the photograph as it was
taken, and they are right where the object is known."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import synthetic
from lightkiln.capture.lens import resample, undistorted
from lightkiln.capture.load import load_inputs, load_view
from lightkiln.capture.mask_files import on_photograph
from lightkiln.capture.open_scene import file_ref, open_scene
from lightkiln.jobs import worker
from lightkiln.jobs.folder import JobFolder, JobSpec, create
from lightkiln.methods.segment.cut import keyed
from lightkiln_shared.camera import Camera
from lightkiln_shared.scene import Scene, View
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

WALL = (40, 190, 60)


def overlap(a: NDArray[Any], b: NDArray[Any]) -> float:
    return float((a & b).sum() / (a | b).sum())


@pytest.fixture
def before_a_wall(
    synthetic_scene: synthetic.SyntheticScene, tmp_path: Path
) -> tuple[Scene, dict[str, Path], list[NDArray[Any]]]:
    """The scene with a green wall behind the object instead of transparency, and the truth."""
    scene, files = open_scene(synthetic_scene.folder)
    inputs = load_inputs(scene, files)
    views, paths, truth = [], {}, []
    draw = np.random.default_rng(0)
    for view, loaded in zip(scene.views, inputs.views, strict=True):
        assert loaded.mask is not None
        share = loaded.mask[..., None]
        wall = draw.normal(WALL, 6.0, loaded.image.shape)
        pixels = np.rint(share * loaded.image + (1.0 - share) * wall).clip(0, 255)
        path = tmp_path / f"Foto {view.name}.png"
        Image.fromarray(pixels.astype(np.uint8)).save(path)
        ref = file_ref(path)
        paths[ref.sha256] = path
        views.append(View(camera=view.camera, image=ref))
        truth.append(loaded.mask > 0.5)
    region = inputs.region
    return Scene(views=tuple(views), region=region), paths, truth


@pytest.mark.parametrize(
    ("params", "least"),
    [
        ({}, 0.95),
        (
            {"how": "color-key", "key": "#28be3c"},
            0.88,
        ),  # mixed pixels at the edge are kept: 1 of 20
    ],
    ids=["cut-out", "color-key"],
)
def test_a_job_leaves_a_mask_for_each_photograph(
    before_a_wall: tuple[Scene, dict[str, Path], list[NDArray[Any]]],
    tmp_path: Path,
    params: dict[str, str],
    least: float,
) -> None:
    scene, paths, truth = before_a_wall
    job = JobSpec(job_id="0" * 16, title="masks", method="segment", preset="draft", params=params)
    folder = create(tmp_path / "job", job, scene, paths)
    assert worker.work(folder.path, "cpu", owned=False) == 0
    listed = json.loads((folder.artifacts / "masks.json").read_bytes())
    assert [each["sha256"] for each in listed] == [view.image.sha256 for view in scene.views]
    overlaps = []
    for each, true in zip(listed, truth, strict=True):
        mask = np.asarray(Image.open(folder.artifacts / each["mask"]))
        assert set(np.unique(mask)) <= {0, 255}
        overlaps.append(overlap(mask > 127, true))
    assert np.mean(overlaps) > least
    _can_be_submitted(scene, folder, listed, paths)


def _can_be_submitted(
    scene: Scene, folder: JobFolder, listed: list[dict[str, str]], paths: dict[str, Path]
) -> None:
    path = folder.artifacts / listed[0]["mask"]
    ref = file_ref(path)
    view = replace(scene.views[0], mask=ref)
    assert load_view(view, {**paths, ref.sha256: path}).mask is not None


def test_a_mask_comes_back_onto_the_photograph_through_its_lens() -> None:
    camera = Camera(
        world_from_camera=np.eye(4),
        focal=(260.0, 262.0),
        principal_point=(158.0, 123.0),
        width=320,
        height=240,
        distortion=(-0.15, 0.03, 0.001, -0.0015, 0.0),
    )
    pinhole = undistorted(camera, "a view")
    rows, columns = np.indices((240, 320))
    disc = (np.hypot(columns - 190.0, rows - 100.0) < 60.0).astype(np.float32)
    straight = resample(disc, camera, pinhole) > 0.5
    back = on_photograph(straight, pinhole, camera) > 127
    edge = ndimage.binary_dilation(disc > 0.5) & ~ndimage.binary_erosion(disc > 0.5)
    assert np.array_equal(back[~edge], disc[~edge] > 0.5)


def test_the_key_takes_a_shaded_backdrop_and_leaves_other_colours() -> None:
    image = np.zeros((60, 80, 3), dtype=np.uint8)
    image[:] = np.linspace((20, 120, 20), (30, 200, 35), 80).astype(np.uint8)
    image[20:40, 30:50] = (150, 110, 60)
    mask = keyed(image, (25, 160, 28), 25.0)
    assert mask[22:38, 32:48].all()
    assert not mask[:16].any() and not mask[44:].any()
