# SPDX-License-Identifier: GPL-3.0-or-later
"""What a method is given, and the region that is found when nobody has drawn one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lightkiln.capture import load
from lightkiln.capture.inputs import LoadedView
from lightkiln.capture.load import load_inputs
from lightkiln.capture.open_scene import file_ref, open_scene
from lightkiln.capture.region import fit_region, fit_to_cameras
from lightkiln_shared.checks import sees
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import FileRef, Region, RegionShape, Scene
from PIL import Image
from synthetic import CENTRES, LOOK_AT, RADII, SyntheticScene, look_at

LOW, HIGH = (CENTRES - RADII[:, None]).min(axis=0), (CENTRES + RADII[:, None]).max(axis=0)


@pytest.fixture
def scene(synthetic_scene: SyntheticScene) -> tuple[Scene, dict[str, Path]]:
    return open_scene(synthetic_scene.folder)


def test_views_are_decoded_with_their_masks(
    synthetic_scene: SyntheticScene, scene: tuple[Scene, dict[str, Path]]
) -> None:
    inputs = load_inputs(*scene, warn=pytest.fail)
    assert inputs.has_masks
    for index, view in enumerate(inputs.views):
        path = synthetic_scene.folder / f"images/view_{index:02}.png"
        stored = np.asarray(Image.open(path))
        np.testing.assert_array_equal(view.image, stored[..., :3])
        np.testing.assert_allclose(view.mask, stored[..., 3] / 255.0, atol=1e-7)


def test_shrunk_views_average_and_their_cameras_follow(
    synthetic_scene: SyntheticScene, scene: tuple[Scene, dict[str, Path]]
) -> None:
    view = load_inputs(*scene, max_side=48).views[0]
    assert view.image.shape == (48, 48, 3)
    assert view.camera.focal == (70.0, 70.0)
    stored = np.asarray(Image.open(synthetic_scene.folder / "images/view_00.png")).astype(float)
    blocks = stored.reshape(48, 2, 48, 2, 4)
    alpha = blocks[..., 3].mean(axis=(1, 3)) / 255.0
    np.testing.assert_allclose(view.mask, alpha, atol=1.01 / 255.0)  # rounded twice
    # Colours count by their alpha: what is see-through has none.
    weighted = (blocks[..., :3] * blocks[..., 3:]).sum(axis=(1, 3))
    mean = weighted / np.maximum(blocks[..., 3:].sum(axis=(1, 3)), 1.0)
    np.testing.assert_allclose(view.image[alpha > 0.5], mean[alpha > 0.5], atol=3.0)


def test_files_may_lie_in_one_folder_under_their_hashes(
    scene: tuple[Scene, dict[str, Path]], tmp_path: Path
) -> None:
    for sha256, path in scene[1].items():
        (tmp_path / sha256).write_bytes(path.read_bytes())
    inputs = load_inputs(scene[0], tmp_path)
    assert len(inputs.views) == 16


def assert_fits(region: Region) -> None:
    """A box about the body, with some room."""
    assert region.shape is RegionShape.BOX
    half = np.diag(region.world_from_region)[:3]
    centre = region.world_from_region[:3, 3]
    assert (centre - half < LOW).all() and (centre + half > HIGH).all()
    assert (2.0 * half < 1.35 * (HIGH - LOW)).all()


def test_the_region_fits_the_masks(scene: tuple[Scene, dict[str, Path]]) -> None:
    assert_fits(load_inputs(*scene).region)


@pytest.mark.parametrize("index", [3, 6, 8])
def test_one_wrong_mask_does_not_change_the_region(
    index: int, scene: tuple[Scene, dict[str, Path]]
) -> None:
    views = list(load_inputs(*scene).views)
    wrong = np.zeros((96, 96), dtype=np.float32)
    wrong[70:75, 10:15] = 1.0
    views[index] = replace(views[index], mask=wrong)
    assert_fits(fit_region(views))


def test_without_masks_the_region_is_the_ball_that_cameras_see_whole(
    scene: tuple[Scene, dict[str, Path]],
) -> None:
    views = [replace(view, mask=None) for view in load_inputs(*scene).views]
    region = fit_region(views)
    assert region.shape is RegionShape.SPHERE
    np.testing.assert_allclose(region.world_from_region[:3, 3], LOOK_AT, atol=1e-9)
    # The frustum's sides pass the axis at 3 m in a distance of 3 sin(atan(48 / 140)).
    radius = 3.0 * 48.0 / np.hypot(48.0, 140.0)
    np.testing.assert_allclose(np.diag(region.world_from_region)[:3], radius)


def test_cameras_that_look_away_from_each_other_are_refused(
    synthetic_scene: SyntheticScene,
) -> None:
    outwards = [
        replace(camera, world_from_camera=look_at(camera.centre, 2.0 * camera.centre - LOOK_AT))
        for camera in synthetic_scene.cameras
    ]
    with pytest.raises(InvalidScene, match="common place"):
        fit_to_cameras(outwards)


def test_a_region_that_nobody_sees_is_refused_and_one_blind_camera_is_named(
    scene: tuple[Scene, dict[str, Path]],
) -> None:
    matrix = np.eye(4)
    matrix[:3, 3] = 50.0
    region = Region(shape=RegionShape.BOX, world_from_region=matrix)
    with pytest.raises(InvalidScene, match=r"of 16 cameras see the region; view_00\.png"):
        load_inputs(replace(scene[0], region=region), scene[1])

    camera = scene[0].views[5].camera
    away = replace(camera, world_from_camera=look_at(camera.centre, 2 * camera.centre - LOOK_AT))
    views = tuple(
        replace(view, camera=away) if view.name == "view_05.png" else view
        for view in scene[0].views
    )
    matrix = np.eye(4)
    matrix[:3, 3] = LOOK_AT
    region = Region(shape=RegionShape.BOX, world_from_region=matrix)
    warnings: list[str] = []
    load_inputs(Scene(views=views, region=region), scene[1], warn=warnings.append)
    assert warnings == ["The region is not seen by view_05.png."]


def test_seeing_is_being_before_the_camera_and_inside_its_image(
    synthetic_scene: SyntheticScene,
) -> None:
    camera = synthetic_scene.cameras[2]
    behind = 2.0 * camera.centre - LOOK_AT
    beside = camera.world_from_camera @ np.array([48.5 / 140.0, 0.0, 1.0, 1.0])
    within = camera.world_from_camera @ np.array([47.5 / 140.0, 0.0, 1.0, 1.0])
    points = np.stack([LOOK_AT, behind, beside[:3], within[:3]])
    np.testing.assert_array_equal(sees(camera, points), [True, False, False, True])


Broken = Callable[[Path], FileRef]


def stored(path: Path, pixels: np.ndarray) -> FileRef:
    Image.fromarray(pixels).save(path)
    return file_ref(path)


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        (np.zeros((96, 96), np.uint8), r"mask of view_03\.png is empty"),
        (np.full((96, 60), 255, np.uint8), r"mask\.png has 60 x 96 pixels"),
        (np.full((8, 8), 255, np.uint8), r"mask\.png has only 8 x 8 pixels"),
    ],
)
def test_a_bad_mask_is_named(
    pixels: np.ndarray, sentence: str, scene: tuple[Scene, dict[str, Path]], tmp_path: Path
) -> None:
    mask = stored(tmp_path / "mask.png", pixels)
    views = list(scene[0].views)
    views[3] = replace(views[3], mask=mask)
    with pytest.raises(InvalidScene, match=sentence):
        load_inputs(Scene(views=tuple(views)), scene[1] | {mask.sha256: tmp_path / "mask.png"})


def test_an_invisible_object_is_an_empty_mask(
    scene: tuple[Scene, dict[str, Path]], tmp_path: Path
) -> None:
    image = stored(tmp_path / "nothing.png", np.zeros((96, 96, 4), np.uint8))
    views = (*scene[0].views[1:], replace(scene[0].views[0], image=image))
    with pytest.raises(InvalidScene, match=r"mask of nothing\.png is empty"):
        load_inputs(Scene(views=views), scene[1] | {image.sha256: tmp_path / "nothing.png"})


def test_masks_for_some_views_only_are_told(
    scene: tuple[Scene, dict[str, Path]], tmp_path: Path
) -> None:
    image = stored(tmp_path / "plain.png", np.full((96, 96, 3), 90, np.uint8))
    views = (*scene[0].views[1:], replace(scene[0].views[0], image=image))
    warnings: list[str] = []
    inputs = load_inputs(
        Scene(views=views),
        scene[1] | {image.sha256: tmp_path / "plain.png"},
        warn=warnings.append,
    )
    assert not inputs.has_masks
    assert len(warnings) == 1
    assert "1 of 16 views have no mask (the first is plain.png)" in warnings[0]


def test_distorted_views_arrive_as_pinholes_with_their_masks(
    scene: tuple[Scene, dict[str, Path]],
) -> None:
    views = tuple(
        replace(view, camera=replace(view.camera, distortion=(-0.1, 0.01)))
        for view in scene[0].views
    )
    loaded: tuple[LoadedView, ...] = load_inputs(Scene(views=views), scene[1]).views
    for view in loaded:
        assert view.camera.distortion == ()
        assert view.image.dtype == np.uint8
        assert view.mask is not None
        # Colour inside the mask, nothing outside: both were moved alike.
        assert view.image[view.mask > 0.99].max(axis=-1).min() > 0
        assert view.image[view.mask == 0.0].max() == 0


def test_more_pixels_than_memory_holds_are_shrunk_and_that_is_told(
    scene: tuple[Scene, dict[str, Path]], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = load_inputs(*scene)
    pixels = sum(view.image.shape[0] * view.image.shape[1] for view in whole.views)
    monkeypatch.setattr(load, "MEMORY", load.PIXEL_BYTES * pixels // 4)
    told: list[str] = []
    shrunk = load_inputs(*scene, warn=told.append)
    assert sum(view.image.shape[0] * view.image.shape[1] for view in shrunk.views) <= pixels / 4
    assert len(told) == 1
    assert f"{shrunk.views[0].camera.width} pixels" in told[0]
