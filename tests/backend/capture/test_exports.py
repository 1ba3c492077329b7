# SPDX-License-Identifier: GPL-3.0-or-later
"""What other programs export, and what we export for them.

The oracle of every lens is COLMAP's own camera: points are projected through it and through ours.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest
from lightkiln.capture.colmap_camera import camera_from_colmap, colmap_from_camera
from lightkiln.capture.open_scene import open_scene
from lightkiln.capture.write_scene import place_files, write_colmap, write_transforms
from lightkiln_shared.camera import Camera, project
from lightkiln_shared.errors import InvalidScene
from lightkiln_shared.scene import Scene
from numpy.typing import NDArray
from PIL import Image
from scipy.spatial.transform import Rotation
from synthetic import SyntheticScene, look_at

# Parameters after fx, fy, cx, cy (or f, cx, cy), as lenses of photographs have them.
LENSES: dict[str, tuple[float, ...]] = {
    "SIMPLE_PINHOLE": (),
    "PINHOLE": (),
    "SIMPLE_RADIAL": (-0.08,),
    "RADIAL": (-0.08, 0.02),
    "OPENCV": (-0.08, 0.02, 0.001, -0.0007),
    "FULL_OPENCV": (-0.08, 0.02, 0.001, -0.0007, 0.003, 0.01, 0.002, 0.001),
    "OPENCV_FISHEYE": (0.02, -0.004, 0.001, 0.0),
    "FOV": (0.6,),
    "SIMPLE_RADIAL_FISHEYE": (0.03,),
    "RADIAL_FISHEYE": (0.03, -0.005),
    "THIN_PRISM_FISHEYE": (0.01, 0.002, 0.001, -0.0005, 0.0, 0.0, 0.001, 0.001),
}
ONE_FOCAL = ("SIMPLE_PINHOLE", "SIMPLE_RADIAL", "RADIAL", "SIMPLE_RADIAL_FISHEYE", "RADIAL_FISHEYE")
NAMES = tuple(f"view_{index:02}.png" for index in range(16))


def colmap_camera(model: str, focal: float = 700.0) -> pycolmap.Camera:
    focals = [focal] if model in ONE_FOCAL else [focal, 1.01 * focal]
    params = [*focals, 322.0, 236.0, *LENSES[model]]
    return pycolmap.Camera(model=model, width=640, height=480, params=params, camera_id=1)


@pytest.mark.parametrize("model", LENSES)
def test_every_camera_of_colmap_projects_as_colmap_does(model: str) -> None:
    theirs = colmap_camera(model)
    ours = camera_from_colmap(theirs, np.eye(4))
    assert ours is not None
    pixels = np.random.default_rng(2).uniform((0, 0), (640, 480), size=(500, 2))
    rays = np.concatenate([theirs.cam_from_img(pixels), np.ones((500, 1))], axis=1)
    off = np.linalg.norm(project(ours, 3.0 * rays)[0] - pixels, axis=1)
    exact = model in ("SIMPLE_PINHOLE", "PINHOLE", "SIMPLE_RADIAL", "RADIAL", "OPENCV")
    assert off.max() < (1e-4 if exact else 0.4)


@pytest.mark.parametrize("distortion", [(), (-0.1, 0.02), (-0.1, 0.02, 1e-3, -2e-3, 0.004)])
def test_our_camera_becomes_one_of_colmap_that_projects_alike(distortion: Any) -> None:
    camera = Camera(
        world_from_camera=np.eye(4),
        focal=(700.0, 690.0),
        principal_point=(310.0, 250.0),
        width=640,
        height=480,
        distortion=distortion,
    )
    points = np.random.default_rng(3).uniform((-0.3, -0.2, 1.0), (0.3, 0.2, 1.0), size=(200, 3))
    theirs = colmap_from_camera(camera, 1).img_from_cam(points)
    np.testing.assert_allclose(project(camera, points)[0], theirs, atol=1e-9)


def test_a_wide_fisheye_is_undistorted_by_colmap(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    lens = colmap_camera("OPENCV_FISHEYE", focal=190.0)
    assert camera_from_colmap(lens, np.eye(4)) is None
    model = pycolmap.Reconstruction()
    model.add_camera_with_trivial_rig(lens)
    (tmp_path / "images").mkdir()
    for index in range(3):
        name = f"{index}.png"
        Image.new("RGB", (640, 480), (200, 100, 50)).save(tmp_path / "images" / name)
        image = pycolmap.Image(name=name, camera_id=1, image_id=index + 1)
        pose = np.linalg.inv(look_at(np.array([index - 1.0, -3.0, 0.0]), np.zeros(3)))
        model.add_image_with_trivial_frame(image, pycolmap.Rigid3d(pose[:3]))
    (tmp_path / "sparse").mkdir()
    model.write(str(tmp_path / "sparse"))
    scene, files = open_scene(tmp_path)
    for view in scene.views:
        pixels = Image.open(files[view.image.sha256])
        assert pixels.size == (view.camera.width, view.camera.height)
        assert pixels.getpixel((view.camera.width // 2, view.camera.height // 2)) == (200, 100, 50)
        assert view.camera.distortion == ()


def assert_same(scene: Scene, truth: tuple[Camera, ...], tolerance: float = 1e-6) -> None:
    points = np.random.default_rng(1).uniform(-0.3, 1.2, size=(100, 3))
    assert len(scene.views) == len(truth)
    for view, camera in zip(scene.views, truth, strict=True):
        pixels, depth = project(view.camera, points)
        true_pixels, true_depth = project(camera, points)
        np.testing.assert_allclose(depth, true_depth, atol=tolerance)
        np.testing.assert_allclose(pixels, true_pixels, atol=1e3 * tolerance)


@pytest.mark.parametrize("kind", ["colmap", "transforms"])
def test_what_is_written_is_read_again(
    synthetic_scene: SyntheticScene, tmp_path: Path, kind: str
) -> None:
    scene, files = open_scene(synthetic_scene.folder)
    names = place_files(scene, files, tmp_path)
    points = (np.array([[0.1, 0.2, 0.3]]), np.array([[10, 20, 30]], dtype=np.uint8))
    if kind == "colmap":
        write_colmap(scene, names, tmp_path / "sparse" / "0", points)
        model = pycolmap.Reconstruction(str(tmp_path / "sparse" / "0"))
        (point,) = model.points3D.values()
        np.testing.assert_allclose(point.xyz, points[0][0])
    else:
        write_transforms(scene, names, tmp_path / "transforms.json")
    again, _ = open_scene(tmp_path)
    assert_same(again, synthetic_scene.cameras)
    assert [view.image.sha256 for view in again.views] == [v.image.sha256 for v in scene.views]


Writer = Callable[[Path, tuple[Camera, ...]], None]


def meshroom(folder: Path, cameras: tuple[Camera, ...], *, old: bool = False) -> None:
    """As AliceVision 1.2.7 writes it, or 1.0: rotations by columns, numbers as text."""
    camera = cameras[0]
    size = {"width": str(camera.width), "height": str(camera.height)}
    cx, cy = camera.principal_point
    lens: dict[str, Any] = {"intrinsicId": "5", **size, "type": "radial3", "distortionParams": []}
    if old:
        lens |= {"pxFocalLength": str(camera.focal[0]), "principalPoint": [str(cx), str(cy)]}
    else:
        millimetres = str(camera.focal[0] / camera.width * 36.0)
        lens |= {"focalLength": millimetres, "sensorWidth": "36", "principalPoint": ["0", "0"]}
        lens["type"] = "pinhole"
    views, poses = [], []
    for index, each in enumerate(cameras):
        path = f"C:/somewhere else/{NAMES[index]}"
        views.append({"viewId": str(index), "poseId": str(index), "intrinsicId": "5", "path": path})
        rotation = each.camera_from_world[:3, :3].ravel(order="F").astype(str).tolist()
        transform = {"rotation": rotation, "center": each.centre.astype(str).tolist()}
        poses.append({"poseId": str(index), "pose": {"transform": transform, "locked": "1"}})
    views.append({"viewId": "99", "poseId": "99", "intrinsicId": "5", "path": "unplaced.jpg"})
    document = {"version": ["1", "2", "7"], "views": views, "intrinsics": [lens], "poses": poses}
    (folder / "cameras.sfm").write_text(json.dumps(document))


def old_meshroom(folder: Path, cameras: tuple[Camera, ...]) -> None:
    meshroom(folder, cameras, old=True)


def metashape(folder: Path, cameras: tuple[Camera, ...]) -> None:
    """A chunk of half the size, turned and moved; labels without suffix."""
    chunk = np.eye(4)
    chunk[:3, :3] = 2.0 * Rotation.from_euler("xyz", (0.3, -0.5, 1.0)).as_matrix()
    chunk[:3, 3] = (0.5, -1.0, 2.0)
    camera = cameras[0]
    rows = []
    for index, each in enumerate(cameras):
        matrix = np.linalg.inv(chunk) @ each.world_from_camera
        matrix[:3, :3] *= 2.0
        text = " ".join(map(repr, matrix.ravel().tolist()))
        label = NAMES[index].removesuffix(".png")
        rows.append(
            f'<camera id="{index}" sensor_id="0" label="{label}">'
            f"<transform>{text}</transform></camera>"
        )
    turn = " ".join(map(repr, (chunk[:3, :3] / 2.0).ravel().tolist()))
    (folder / "cameras.xml").write_text(
        f"""<?xml version="1.0" encoding="UTF-8"?>
<document version="2.0.0"><chunk label="Chunk 1" enabled="true">
<sensors next_id="1"><sensor id="0" label="unknown" type="frame">
<resolution width="{camera.width}" height="{camera.height}"/>
<calibration type="frame" class="adjusted">
<resolution width="{camera.width}" height="{camera.height}"/><f>{camera.focal[0]}</f>
</calibration></sensor></sensors>
<cameras next_id="16"><group id="0">{"".join(rows)}</group>
<camera id="77" sensor_id="0" label="not aligned"/></cameras>
<transform><rotation>{turn}</rotation><translation>0.5 -1.0 2.0</translation><scale>2.0</scale>
</transform></chunk></document>"""
    )


def realityscan_csv(folder: Path, cameras: tuple[Camera, ...]) -> None:
    rows = ["#name,x,y,alt,heading,pitch,roll,f,px,py,k1,k2,k3,k4,t1,t2"]
    for index, each in enumerate(cameras):
        opengl = each.world_from_camera[:3, :3] @ np.diag([1.0, -1.0, -1.0])
        turned, pitch, roll = Rotation.from_matrix(opengl).as_euler("ZXY", degrees=True)
        focal = each.focal[0] / max(each.width, each.height) * 36.0
        values = [*each.centre, -turned, pitch, roll, focal, *[0.0] * 8]
        rows.append(",".join([NAMES[index], *map(repr, map(float, values))]))
    (folder / "cameras.csv").write_text("\n".join(rows) + "\n", encoding="utf-8-sig")


def realityscan_xmp(folder: Path, cameras: tuple[Camera, ...]) -> None:
    for index, each in enumerate(cameras):
        turn = " ".join(map(repr, each.camera_from_world[:3, :3].ravel().tolist()))
        focal = each.focal[0] / max(each.width, each.height) * 36.0
        (folder / NAMES[index]).with_suffix(".xmp").write_text(
            f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xcr:Version="3" xcr:DistortionModel="brown3" xcr:FocalLength35mm="{focal!r}"
 xcr:PrincipalPointU="0" xcr:PrincipalPointV="0"
 xmlns:xcr="http://www.capturingreality.com/ns/xcr/1.1#">
<xcr:Rotation>{turn}</xcr:Rotation><xcr:Position>{" ".join(map(repr, each.centre.tolist()))}
</xcr:Position><xcr:DistortionCoeficients>0 0 0 0 0 0</xcr:DistortionCoeficients>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
        )


@pytest.mark.parametrize(
    "write",
    [meshroom, old_meshroom, metashape, realityscan_csv, realityscan_xmp],
    ids=lambda write: write.__name__,
)
def test_exports_of_other_programs_give_the_same_cameras(
    synthetic_scene: SyntheticScene, tmp_path: Path, write: Writer
) -> None:
    shutil.copytree(synthetic_scene.folder / "images", tmp_path, dirs_exist_ok=True)
    write(tmp_path, synthetic_scene.cameras)
    scene, _ = open_scene(tmp_path)
    assert [view.name for view in scene.views] == list(NAMES)
    assert_same(scene, synthetic_scene.cameras, tolerance=1e-5)


def test_metashape_names_its_tangential_pair_the_other_way_round(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480)).save(tmp_path / "a.png")
    camera = Camera(
        world_from_camera=np.eye(4),
        focal=(700.0, 700.0),
        principal_point=(320.0, 240.0),
        width=640,
        height=480,
    )
    metashape(tmp_path, (camera,) * 3)
    text = (tmp_path / "cameras.xml").read_text()
    for index in range(3):
        shutil.copy(tmp_path / "a.png", tmp_path / NAMES[index])
    lens = "<cx>3</cx><cy>-2</cy><b1>1</b1><k1>-0.1</k1><p1>0.001</p1><p2>0.002</p2>"
    (tmp_path / "cameras.xml").write_text(text.replace("</f>", f"</f>{lens}"))
    found = open_scene(tmp_path)[0].views[0].camera
    assert found.focal == (701.0, 700.0)
    assert found.principal_point == (323.0, 238.0)
    assert found.distortion == (-0.1, 0.0, 0.002, 0.001, 0.0)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("cameras.sfm", "{}", "has no list of poses"),
        ("cameras.sfm", "{", "cannot be read"),
        ("cameras.xml", "<document><chunk></chunk></document>", "no aligned cameras"),
        ("cameras.xml", "<!DOCTYPE x><document><chunk/></document>", "defines entities"),
        ("cameras.xml", "<document><chunk>", "cannot be read"),
        ("c.csv", "#name,x,y,alt,heading,pitch,roll,f,px\na,1,2,3,4,5,6,7,8\n", "no column py"),
        (
            "c.csv",
            "#name,x,y,alt,heading,pitch,roll,f,px,py\na.png,1,2,3,4,x,6,7,8,9\n",
            "image a.png does not exist",
        ),
    ],
)
def test_damaged_exports_are_one_sentence(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(InvalidScene, match=says):
        open_scene(tmp_path)


def test_transforms_of_a_fisheye_and_with_numbers_as_text(
    synthetic_scene: SyntheticScene, tmp_path: Path
) -> None:
    document = json.loads((synthetic_scene.folder / "transforms.json").read_text())
    shutil.copytree(synthetic_scene.folder / "images", tmp_path / "images")
    document |= {"camera_model": "OPENCV_FISHEYE", "k1": "0.02", "k2": 0.0, "aabb_scale": 16}
    (tmp_path / "transforms.json").write_text(json.dumps(document))
    camera = open_scene(tmp_path)[0].views[0].camera
    lens = pycolmap.Camera(
        model="OPENCV_FISHEYE", width=96, height=96, params=[140, 140, 48, 48, 0.02, 0, 0, 0]
    )
    corner: NDArray[Any] = np.array([[0.3, 0.25, 1.0], [-0.3, 0.1, 1.0]])
    world = corner @ camera.world_from_camera[:3, :3].T + camera.centre
    np.testing.assert_allclose(project(camera, world)[0], lens.img_from_cam(corner), atol=0.4)


def test_colmap_and_png_get_along_whoever_comes_first() -> None:
    script = (
        "import lightkiln.capture.open_scene, io, numpy as np\n"
        "from PIL import Image\n"
        "for i in range(3):\n"
        "    noise = np.random.default_rng(i).integers(0, 255, (400, 600, 3), dtype=np.uint8)\n"
        "    for level in (1, 6): Image.fromarray(noise).save(io.BytesIO(), 'PNG', "
        "compress_level=level)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr[-500:]


def test_whoever_hears_sigterm_hears_it_still_when_colmap_is_loaded() -> None:
    script = (
        "import os, signal, sys\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "import lightkiln.capture.colmap_library\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
    assert done.returncode == 7, done.stderr[-500:]
