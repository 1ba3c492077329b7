# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene folders of every kind, written here from the same cameras, must give those cameras back."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest
from lightkiln.capture.open_scene import hash_file, open_scene
from lightkiln_shared.camera import Camera, project
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import RegionShape, Scene
from scipy.spatial.transform import Rotation
from synthetic import SyntheticScene


@pytest.fixture
def document(synthetic_scene: SyntheticScene) -> dict[str, Any]:
    """The scene's transforms.json, to be changed."""
    text = (synthetic_scene.folder / "transforms.json").read_text(encoding="utf-8")
    return dict(json.loads(text))


@pytest.fixture
def opened(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> Callable[[dict[str, Any]], tuple[Scene, dict[str, Path]]]:
    """Opens the scene's images with another transforms.json."""

    def write_and_open(document: dict[str, Any]) -> tuple[Scene, dict[str, Path]]:
        shutil.copytree(synthetic_scene.folder / "images", tmp_path / "images", dirs_exist_ok=True)
        (tmp_path / "transforms.json").write_text(json.dumps(document), encoding="utf-8")
        return open_scene(tmp_path)

    return write_and_open


def assert_same_cameras(scene: Scene, truth: tuple[Camera, ...], tolerance: float = 1e-6) -> None:
    points = np.random.default_rng(1).uniform(-0.5, 1.5, size=(100, 3))
    assert len(scene.views) == len(truth)
    for view, camera in zip(scene.views, truth, strict=True):
        (pixels, depth), (true_pixels, true_depth) = (
            project(c, points) for c in (view.camera, camera)
        )
        np.testing.assert_allclose(pixels, true_pixels, atol=1e3 * tolerance)
        np.testing.assert_allclose(depth, true_depth, atol=tolerance)
        assert (view.camera.width, view.camera.height) == (camera.width, camera.height)


def test_transforms_give_the_cameras_and_the_files(synthetic_scene: SyntheticScene) -> None:
    scene, files = open_scene(synthetic_scene.folder)
    assert_same_cameras(scene, synthetic_scene.cameras)
    assert scene.region is None
    for index, view in enumerate(scene.views):
        path = synthetic_scene.folder / f"images/view_{index:02}.png"
        assert view.name == path.name
        assert view.image.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert view.image.sha256 == hash_file(path)
        assert view.image.size == path.stat().st_size
        assert files[view.image.sha256].samefile(path)


def test_an_angle_of_view_and_names_without_suffix_do_as_well(
    synthetic_scene: SyntheticScene, document: dict[str, Any], opened: Any
) -> None:
    camera = synthetic_scene.cameras[0]
    angle = 2.0 * np.arctan(camera.width / 2.0 / camera.focal[0])
    frames = [
        {**frame, "file_path": "./" + frame["file_path"].removesuffix(".png")}
        for frame in document["frames"]
    ]
    scene, _ = opened({"camera_angle_x": angle, "frames": frames})
    assert_same_cameras(scene, synthetic_scene.cameras)


def test_a_frame_overrides_the_document(document: dict[str, Any], opened: Any) -> None:
    document["k1"] = 0.1
    document["frames"][3] |= {"fl_x": 99.0, "k1": 0.0, "mask_path": "images/view_00.png"}
    scene, _ = opened(document)
    assert scene.views[3].camera.focal == (99.0, 140.0)
    assert scene.views[3].camera.distortion == ()
    assert scene.views[3].mask == scene.views[0].image
    assert scene.views[2].camera.distortion[0] == 0.1
    assert scene.views[2].mask is None


def test_regions_are_read(document: dict[str, Any], opened: Any) -> None:
    matrix = np.diag([0.5, 1.0, 2.0, 1.0])
    scene, _ = opened(
        document | {"region": {"shape": "sphere", "world_from_region": matrix.tolist()}}
    )
    assert scene.region.shape is RegionShape.SPHERE
    np.testing.assert_array_equal(scene.region.world_from_region, matrix)
    scene, _ = opened(document | {"aabb": [[-1, 0, 1], [3, 2, 2]]})
    corners = np.array([[-1, -1, -1, 1], [1, 1, 1, 1]]) @ scene.region.world_from_region.T
    assert scene.region.shape is RegionShape.BOX
    np.testing.assert_allclose(corners[:, :3], [[-1, 0, 1], [3, 2, 2]])


def write_colmap(scene: SyntheticScene, model: Path) -> None:
    """COLMAP's text format, from its manual: poses camera-from-world, quaternions w first."""
    model.mkdir(parents=True)
    (model / "cameras.txt").write_text("1 PINHOLE 96 96 140 140 48 48\n")
    lines = []
    for index, camera in enumerate(scene.cameras):
        x, y, z, w = Rotation.from_matrix(camera.camera_from_world[:3, :3]).as_quat()
        t = camera.camera_from_world[:3, 3]
        pose = " ".join(f"{value:.17g}" for value in (w, x, y, z, *t))
        lines += [f"{index + 1} {pose} 1 view_{index:02}.png", ""]
    (model / "images.txt").write_text("\n".join(lines) + "\n")
    (model / "points3D.txt").write_text("")


@pytest.mark.parametrize("name", ["masks", "segs"])
def test_masks_in_a_folder_beside_the_images_are_found(
    synthetic_scene: SyntheticScene, tmp_path: Path, name: str
) -> None:
    folder = shutil.copytree(synthetic_scene.folder, tmp_path / "scene")
    (folder / name).mkdir()
    shutil.copy(folder / "images/view_05.png", folder / name / "view_04.png")
    scene, _ = open_scene(folder)
    masks = {index: view.mask for index, view in enumerate(scene.views) if view.mask is not None}
    assert list(masks) == [4]
    assert masks[4].sha256 == scene.views[5].image.sha256


@pytest.mark.parametrize("place", ["sparse/0", "sparse", "."])
@pytest.mark.parametrize("is_binary", [False, True])
def test_a_colmap_model_gives_the_cameras_and_finds_images_and_masks(
    place: str, is_binary: bool, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    folder = tmp_path / "scene"
    model = folder / place
    write_colmap(synthetic_scene, model)
    if is_binary:
        reconstruction = pycolmap.Reconstruction(str(model))
        for path in model.glob("*.txt"):
            path.unlink()
        reconstruction.write_binary(str(model))
    for name in ("images", "masks"):
        shutil.copytree(synthetic_scene.folder / "images", folder / name)
    scene, files = open_scene(folder)
    assert_same_cameras(scene, synthetic_scene.cameras)
    assert files[scene.views[4].image.sha256] == folder / "masks/view_04.png"
    assert [view.name for view in scene.views] == [f"view_{i:02}.png" for i in range(16)]
    assert all(view.mask is not None for view in scene.views)


@pytest.mark.parametrize("sign", [1.0, -3.0])
def test_idr_cameras_are_taken_apart(
    sign: float, synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    shutil.copytree(synthetic_scene.folder / "images", tmp_path / "image")
    ball = np.diag([2.0, 2.0, 2.0, 1.0])
    ball[:3, 3] = 0.4, -0.1, 0.6
    matrices = {}
    for index, camera in enumerate(synthetic_scene.cameras):
        k = camera.intrinsics.copy()
        k[:2, 2] -= 0.5  # these files put the centre of the first pixel at 0
        projection = np.eye(4)
        projection[:3] = sign * k @ camera.camera_from_world[:3]
        matrices |= {f"world_mat_{index}": projection, f"scale_mat_{index}": ball}
    np.savez(tmp_path / "cameras_sphere.npz", **matrices)
    scene, _ = open_scene(tmp_path)
    assert_same_cameras(scene, synthetic_scene.cameras)
    assert scene.region is not None
    assert scene.region.shape is RegionShape.SPHERE
    np.testing.assert_array_equal(scene.region.world_from_region, ball)


def change(frame: dict[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda document: (
        document | {"frames": [document["frames"][0] | frame, *document["frames"][1:]]}
    )


BAD = {
    r"view_00\.png has a pose or lens that is not a number": change(
        {"transform_matrix": [[float("nan")] * 4] * 4}
    ),
    r"pose of view_00\.png is not a rotation": change(
        {"transform_matrix": np.diag([2.0, 2.0, 2.0, 1.0]).tolist()}
    ),
    r"transform_matrix of view_00\.png is not a matrix": change({"transform_matrix": [1, "a"]}),
    r"absent\.png does not exist": change({"file_path": "images/absent.png"}),
    r"Frame 0 has no file_path": change({"file_path": 7}),
    r"'\.\./secret\.png' leaves": change({"file_path": "../secret.png"}),
    r"leaves the scene's folder": change({"file_path": "images/../../secret.png"}),
    r"'/etc/passwd' leaves": change({"mask_path": "/etc/passwd"}),
    r"camera model of view_00\.png \(SPHERICAL\)": change({"camera_model": "SPHERICAL"}),
    r"cx of view_00\.png is not a number": change({"cx": "middle"}),
    r"view_00\.png has no positive focal length": change({"fl_x": 0.0, "fl_y": 0.0}),
    r"has no frames": lambda document: document | {"frames": []},
    r"no focal length": lambda document: {"frames": document["frames"]},
    r"neither box nor sphere": lambda document: document | {"region": {"shape": "cone"}},
    r"region has no volume": lambda document: document | {"aabb": [[0, 0, 0], [0, 1, 1]]},
    r"has 2 views": lambda document: document | {"frames": document["frames"][:2]},
}


@pytest.mark.parametrize("sentence", BAD)
def test_a_bad_document_is_refused_in_one_sentence(
    sentence: str, document: dict[str, Any], opened: Any
) -> None:
    with pytest.raises(InvalidScene, match=sentence) as caught:
        opened(BAD[sentence](document))
    assert caught.value.hint


def test_a_folder_without_poses_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(InvalidScene, match="no camera poses") as caught:
        open_scene(tmp_path)
    assert "transforms.json" in caught.value.hint
    (tmp_path / "transforms.json").write_text("{")
    with pytest.raises(InvalidScene, match="not valid JSON"):
        open_scene(tmp_path)
    (tmp_path / "transforms.json").unlink()
    (tmp_path / "cameras.bin").write_bytes(b"1234")
    (tmp_path / "images.bin").write_bytes(b"1234")
    with pytest.raises(InvalidScene, match="COLMAP model"):
        open_scene(tmp_path)
    with pytest.raises(InvalidScene, match="There is no folder"):
        open_scene(tmp_path / "absent")
