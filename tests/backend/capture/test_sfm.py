# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs without cameras: solved as they were taken, or told why not."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import still_life
from lightkiln.capture.inputs import PhotoFile
from lightkiln.capture.sfm.solve import Settings, solve
from lightkiln.capture.sfm.solved import Reason, Solved
from lightkiln.capture.sfm.turning import are_rotations
from lightkiln.methods.detached import DetachedRun
from lightkiln_shared.camera import Camera, project
from lightkiln_shared.errors import InvalidScene, JobCancelled
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.transform import Rotation
from small_disk import fill, small_disk
from synthetic import look_at

NUM_PHOTOS = 6
QUICK = Settings(features=800)


@pytest.fixture(scope="module")
def cameras() -> list[Camera]:
    return still_life.around(NUM_PHOTOS)


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory, cameras: list[Camera]) -> list[Path]:
    """Six photographs of the still life."""
    return still_life.write(tmp_path_factory.mktemp("photographs"), cameras)


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory, photographs: list[Path]) -> Solved:
    """The scene of those six."""
    return solve(given(photographs), tmp_path_factory.mktemp("workspace"), QUICK, DetachedRun())


def given(paths: Sequence[Path]) -> list[PhotoFile]:
    return [PhotoFile(name=path.name, path=path) for path in paths]


def misses(scene: Solved, truth: dict[str, Camera]) -> NDArray[Any]:
    """How far each solved camera stands from where it was, in parts of the arc's radius."""
    centres = np.stack([each.camera.centre for each in scene.placed])
    true = np.stack([truth[each.photo.name].centre for each in scene.placed])
    scale, turn, shift = still_life.similarity(centres, true)
    return np.asarray(np.linalg.norm(scale * centres @ turn.T + shift - true, axis=1) / 2.0)


def truth_of(paths: Sequence[Path], cameras: Sequence[Camera]) -> dict[str, Camera]:
    return {path.name: camera for path, camera in zip(paths, cameras, strict=True)}


def test_cameras_are_found_where_they_were(
    solved: Solved, photographs: list[Path], cameras: list[Camera]
) -> None:
    assert [each.photo.path for each in solved.placed] == photographs
    assert solved.unplaced == ()
    assert misses(solved, truth_of(photographs, cameras)).max() < 0.005
    for each in solved.placed:
        assert each.camera.focal[0] == pytest.approx(still_life.FOCAL, rel=0.02)
        assert each.num_points > 50
        assert each.error < 0.7


def test_all_at_once_finds_them_too(
    photographs: list[Path], cameras: list[Camera], tmp_path: Path
) -> None:
    settings = replace(QUICK, all_at_once=True)
    scene = solve(given(photographs), tmp_path, settings, DetachedRun())
    assert [each.photo.path for each in scene.placed] == photographs
    assert misses(scene, truth_of(photographs, cameras)).max() < 0.01
    assert len(scene.points.errors) > 100


def test_the_world_is_upright_with_the_region_in_its_middle(
    solved: Solved, cameras: list[Camera]
) -> None:
    centres = np.stack([each.camera.centre for each in solved.placed])
    _, turn, _ = still_life.similarity(centres, np.stack([camera.centre for camera in cameras]))
    assert (turn @ [0.0, 0.0, 1.0])[2] > np.cos(np.radians(3.0))
    assert solved.region.world_from_region[:3, 3] == pytest.approx([0.0, 0.0, 0.0])
    assert np.median(np.linalg.norm(centres, axis=1)) == pytest.approx(1.0)
    inside = np.abs(
        solved.points.positions @ np.linalg.inv(solved.region.world_from_region)[:3, :3].T
    ).max(axis=1)
    assert (inside < 1.0).mean() > 0.5


def test_the_points_lie_in_the_photographs_where_the_cameras_put_them(solved: Solved) -> None:
    model = solved.reconstruction
    by_name = {image.name: image for image in model.images.values()}
    for each in solved.placed:
        image = by_name[each.photo.name]
        seen = [point for point in image.points2D if point.has_point3D()]
        points = np.stack([model.points3D[point.point3D_id].xyz for point in seen])
        pixels, depth = project(each.camera, points)
        assert (depth > 0.0).all()
        apart = np.linalg.norm(pixels - np.stack([point.xy for point in seen]), axis=1)
        assert np.median(apart) < 0.7


def test_larger_photographs_come_back_in_their_own_pixels(
    photographs: list[Path], tmp_path: Path, solved: Solved
) -> None:
    settings = replace(QUICK, max_side=still_life.WIDTH)
    large = []
    for path in photographs[:4]:
        large.append(tmp_path / path.name)
        Image.open(path).resize((2 * still_life.WIDTH, 2 * still_life.HEIGHT)).save(large[-1])
    scene = solve(given(large), tmp_path, settings, DetachedRun())
    assert len(scene.placed) == 4
    camera = scene.placed[0].camera
    assert (camera.width, camera.height) == (2 * still_life.WIDTH, 2 * still_life.HEIGHT)
    assert camera.focal[0] == pytest.approx(2 * still_life.FOCAL, rel=0.05)


def test_every_kind_of_file_and_name_is_placed_or_listed(
    photographs: list[Path], tmp_path: Path
) -> None:
    names = ["schöne Kanne 1.jpg", "写真 2.png", "cmyk.jpg", "gedreht.jpg", "five.tif", "6.webp"]
    files = [tmp_path / name for name in names]
    images = [Image.open(path) for path in photographs]
    exif = Image.Exif()
    exif[0x0112] = 6  # held a quarter turned, stored as it came from the sensor
    images[0].save(files[0], quality=95)
    images[1].save(files[1])
    images[2].convert("CMYK").save(files[2], quality=95)
    images[3].transpose(Image.Transpose.ROTATE_90).save(files[3], quality=95, exif=exif)
    deep = np.asarray(images[4].convert("L")).astype(np.uint16) * 257
    Image.fromarray(deep).save(files[4])
    images[5].save(files[5], quality=95)
    (tmp_path / "copy.jpg").write_bytes(files[0].read_bytes())
    (tmp_path / "notes.jpg").write_text("not a photograph")
    Image.new("RGB", (320, 240), (90, 90, 90)).save(tmp_path / "plain.png")
    others = [tmp_path / name for name in ("copy.jpg", "notes.jpg", "plain.png")]
    scene = solve(given([*files, *others]), tmp_path, QUICK, DetachedRun())
    assert {each.photo.name for each in scene.placed} == set(names)
    reasons = {each.photo.name: each.reason for each in scene.unplaced}
    assert reasons == {
        "copy.jpg": Reason.DUPLICATE,
        "notes.jpg": Reason.UNREADABLE,
        "plain.png": Reason.BLURRED,
    }
    turned = next(each.camera for each in scene.placed if each.photo.name == "gedreht.jpg")
    assert (turned.width, turned.height) == (still_life.HEIGHT, still_life.WIDTH)


def test_of_two_groups_the_larger_is_taken_and_the_other_listed(
    photographs: list[Path], tmp_path: Path
) -> None:
    others = still_life.write(tmp_path / "others", still_life.around(4), seed=5, prefix="other")
    scene = solve(given([*photographs, *others]), tmp_path, QUICK, DetachedRun())
    assert [each.photo.path for each in scene.placed] == photographs
    assert [each.photo.path for each in scene.unplaced] == others
    assert {each.reason for each in scene.unplaced} == {Reason.OTHER_GROUP}
    assert "second group of 4" in scene.unplaced[0].text


def test_photographs_of_different_things_are_told_so(tmp_path: Path) -> None:
    camera = still_life.around(1)
    paths = [
        still_life.write(tmp_path / str(seed), camera, seed=seed, prefix=str(seed))[0]
        for seed in range(3)
    ]
    with pytest.raises(InvalidScene, match="No two of the photographs show the same thing"):
        solve(given(paths), tmp_path, QUICK, DetachedRun())


@pytest.mark.parametrize("step", [0.1, 0.002], ids=["a turn", "one place"])
def test_a_camera_that_only_turned_is_told_so(tmp_path: Path, step: float) -> None:
    here = look_at(np.array([0.2, -2.0, 0.9]), still_life.MIDDLE)
    views = []
    for angle in step * np.arange(-2, 3):
        pose = here.copy()
        pose[:3, :3] = here[:3, :3] @ Rotation.from_euler("y", angle).as_matrix()
        views.append(still_life.camera(pose))
    with pytest.raises(InvalidScene, match="taken from one place"):
        solve(given(still_life.write(tmp_path / "turn", views)), tmp_path, QUICK, DetachedRun())


def test_a_flat_thing_seen_from_several_places_is_no_turn() -> None:
    """H = R + t n^T / d, of a plane at distance 1, for a step aside of a quarter of it."""
    size = np.array([320.0, 240.0])
    k = np.array([[300.0, 0.0, 160.0], [0.0, 300.0, 120.0], [0.0, 0.0, 1.0]])
    turn = Rotation.from_euler("xyz", (0.05, 0.2, 0.1)).as_matrix()
    step = np.outer([0.25, 0.1, 0.0], [0.0, 0.0, 1.0])
    moved, turned = (
        [(k @ matrix @ np.linalg.inv(k), size, size)] for matrix in (turn + step, turn)
    )
    assert not are_rotations(moved)
    assert are_rotations(turned)


def test_two_photographs_are_too_few(photographs: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InvalidScene, match="2 of 3 photographs can be used; it takes 3"):
        solve(given([*photographs[:2], tmp_path / "missing.jpg"]), tmp_path, QUICK, DetachedRun())


def test_heic_becomes_jpeg_and_without_its_library_is_told(
    photographs: list[Path], tmp_path: Path
) -> None:
    pillow_heif = pytest.importorskip("pillow_heif", reason="the extra `heic` is not installed")
    pillow_heif.register_heif_opener()
    files = [*photographs[1:4], tmp_path / "IMG_1.HEIC"]
    Image.open(photographs[0]).save(files[-1], quality=95)
    scene = solve(given(files), tmp_path / "work", QUICK, DetachedRun())
    made = {each.photo.name: each.photo.path for each in scene.placed}
    assert len(made) == 4
    assert made["IMG_1.jpg"].read_bytes().startswith(b"\xff\xd8")  # JPEG
    script = (
        "import sys; sys.modules['pillow_heif'] = None\n"
        "from pathlib import Path; from lightkiln.capture.images import read_image\n"
        f"read_image(Path({str(files[-1])!r}), 'IMG_1.HEIC')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert "IMG_1.HEIC is a HEIC photograph, which this backend cannot read." in done.stderr


@pytest.mark.parametrize(("phase", "spare"), [("features", 70_000), ("matching", 20_000)])
def test_a_full_disk_is_an_error_and_not_the_end_of_the_process(
    photographs: list[Path], tmp_path: Path, phase: str, spare: int
) -> None:
    with small_disk(tmp_path / "disk", 24) as disk:

        class Filled(DetachedRun):
            def steps(self, count: int) -> Any:
                if self.phases[-1].name == phase:
                    fill(disk, spare)
                return super().steps(count)

        with pytest.raises(OSError, match="No space left"):
            solve(given(photographs), disk / "work", QUICK, Filled())


class Cancelled(DetachedRun):
    """Cancelled at the first step of a phase."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def steps(self, count: int) -> Any:
        if self.phases[-1].name == self._where:
            raise JobCancelled("here")
        return super().steps(count)


def test_what_was_found_before_a_break_is_not_sought_again(
    photographs: list[Path], tmp_path: Path, solved: Solved
) -> None:
    with pytest.raises(JobCancelled):
        solve(given(photographs), tmp_path, QUICK, Cancelled("cameras"))
    before = (tmp_path / "database.db").stat().st_size
    again = solve(given(photographs), tmp_path, QUICK, DetachedRun())
    assert len(again.placed) == NUM_PHOTOS
    assert (tmp_path / "database.db").stat().st_size <= before + 65_536


def test_masks_keep_the_surroundings_out(photographs: list[Path], tmp_path: Path) -> None:
    masks = []
    for path in photographs:
        mask = np.zeros((still_life.HEIGHT, still_life.WIDTH), dtype=np.uint8)
        mask[40:200, 60:260] = 255
        masks.append(tmp_path / f"{path.stem}.png")
        Image.fromarray(mask).save(masks[-1])
    photos = [
        PhotoFile(name=path.name, path=path, mask=mask)
        for path, mask in zip(photographs, masks, strict=True)
    ]
    scene = solve(photos, tmp_path / "work", QUICK, DetachedRun())
    for image in scene.reconstruction.images.values():
        seen = np.stack([point.xy for point in image.points2D])
        assert (np.abs(seen - (160, 120)) < (101, 81)).all()


def test_finish_now_gives_the_cameras_so_far(photographs: list[Path], tmp_path: Path) -> None:
    class Hasty(DetachedRun):
        def record(self, **metrics: float) -> None:
            if metrics.get("registered", 0) >= 4:
                self.finish()

    scene = solve(given(photographs), tmp_path, QUICK, Hasty())
    assert 4 <= len(scene.placed) < NUM_PHOTOS
    shutil.rmtree(tmp_path)
