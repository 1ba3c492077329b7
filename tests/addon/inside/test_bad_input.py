# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of bad input gets one sentence that names the cause, before a job is queued."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from pictures import cutout, png

CameraMaker = Callable[..., bpy.types.Object]


@pytest.fixture
def cameras(tmp_path: Path, add_camera: CameraMaker) -> list[bpy.types.Object]:
    """Four good cameras around the origin."""
    around = [(4.0, 0.0, 1.0), (0.0, 4.0, 1.0), (-4.0, 0.0, 1.0), (0.0, -4.0, 1.0)]
    return [
        add_camera(f"Camera {i}", position, (0.0, 0.0, 0.0), png(tmp_path / f"{i}.png", grey=i))
        for i, position in enumerate(around)
    ]


@pytest.fixture
def failure(pump_until: Callable[..., None]) -> Callable[[], str]:
    """Presses the button and returns the sentence in which it ends."""

    def press() -> str:
        assert bpy.ops.lightkiln.reconstruct() == {"FINISHED"}
        job = module("status").current.job
        pump_until(lambda: job.is_over, may_fail=True)
        assert (job.state, job.job_id) == ("failed", "")
        assert bpy.ops.lightkiln.reconstruct.poll(), "a dead button"
        return job.reason

    return press


def _refusal() -> str:
    """What the disabled button says."""
    assert not bpy.ops.lightkiln.reconstruct.poll()
    return module("scene_export").problem(bpy.context)


def _image_file(camera: bpy.types.Object) -> Path:
    return Path(camera.data.background_images[0].image.filepath)


def test_no_cameras() -> None:
    assert _refusal().startswith("No cameras are selected")


def test_two_views(cameras: list[bpy.types.Object]) -> None:
    for camera in cameras[2:]:
        camera.select_set(False)
    assert _refusal().startswith("2 cameras are selected; a surface needs at least 3")


def test_an_orthographic_camera(cameras: list[bpy.types.Object]) -> None:
    cameras[1].data.type = "ORTHO"
    assert "Camera 1 is not a perspective camera" in _refusal()


def test_a_camera_without_an_image(cameras: list[bpy.types.Object]) -> None:
    cameras[2].data.background_images.clear()
    assert "Camera 2 has no background image" in _refusal()


def test_a_camera_whose_file_is_not_in_the_folder(
    cameras: list[bpy.types.Object], failure: Callable[[], str], tmp_path: Path
) -> None:
    cameras[2].data.background_images.clear()
    bpy.context.scene.lightkiln.image_folder = str(tmp_path)
    assert "no file Camera 2 in the image folder" in failure()


def test_a_missing_file(cameras: list[bpy.types.Object], failure: Callable[[], str]) -> None:
    _image_file(cameras[0]).unlink()
    assert failure().startswith("The image 0.png does not exist.")


def test_a_truncated_file(cameras: list[bpy.types.Object], failure: Callable[[], str]) -> None:
    path = _image_file(cameras[3])
    path.write_bytes(path.read_bytes()[:-20])
    assert failure().startswith("The image 3.png is truncated or damaged.")


def test_something_else_than_an_image(
    cameras: list[bpy.types.Object], failure: Callable[[], str]
) -> None:
    _image_file(cameras[3]).write_text("not a picture")
    assert failure().startswith("The file 3.png is not an image that can be read.")


def test_one_pixel(cameras: list[bpy.types.Object], failure: Callable[[], str]) -> None:
    png(_image_file(cameras[1]), 1, 1)
    assert failure().startswith("The image 1.png has only 1 x 1 pixels.")


def test_500_megapixels(cameras: list[bpy.types.Object], failure: Callable[[], str]) -> None:
    path = _image_file(cameras[1])
    data = bytearray(path.read_bytes())
    data[16:24] = struct.pack(">II", 25_000, 20_000)
    path.write_bytes(data)
    assert failure().startswith("The image 1.png is too large (25000 x 20000).")


def test_cameras_that_do_not_see_the_region(
    cameras: list[bpy.types.Object], failure: Callable[[], str]
) -> None:
    bpy.ops.lightkiln.add_region(shape="BOX")
    bpy.context.scene.lightkiln.region.location = (0.0, 0.0, 90.0)
    bpy.context.view_layer.update()
    assert failure().startswith("Only 0 of 4 cameras see the region; Camera 0 does not.")


def test_a_region_without_a_volume(
    cameras: list[bpy.types.Object], failure: Callable[[], str]
) -> None:
    bpy.ops.lightkiln.add_region(shape="BOX")
    bpy.context.scene.lightkiln.region.scale = (1.0, 1.0, 0.0)
    bpy.context.view_layer.update()
    assert failure().startswith("The region has no volume.")


def test_a_region_that_is_neither_box_nor_sphere(cameras: list[bpy.types.Object]) -> None:
    bpy.ops.lightkiln.add_region(shape="BOX")
    bpy.context.scene.lightkiln.region.empty_display_type = "ARROWS"
    assert "must be an empty that is shown as a cube or a sphere" in _refusal()


def test_a_pose_that_is_not_a_number(
    cameras: list[bpy.types.Object], failure: Callable[[], str]
) -> None:
    cameras[0].location.x = float("nan")
    bpy.context.view_layer.update()
    assert "a pose or lens that is not a number" in failure()


def test_a_sheared_camera(cameras: list[bpy.types.Object], failure: Callable[[], str]) -> None:
    cameras[0].parent = bpy.data.objects.new("Parent", None)
    bpy.context.scene.collection.objects.link(cameras[0].parent)
    cameras[0].parent.scale = (1.0, 3.0, 1.0)
    cameras[0].rotation_euler = (0.4, 0.5, 0.6)
    bpy.context.view_layer.update()
    assert "is not a rotation and a translation" in failure()


def test_an_unknown_method(cameras: list[bpy.types.Object], failure: Callable[[], str]) -> None:
    bpy.context.scene.lightkiln.method = "alchemy"
    assert "alchemy" in failure()


def test_a_generated_background(cameras: list[bpy.types.Object]) -> None:
    made = bpy.data.images.new("made", 64, 64)
    cameras[0].data.background_images[0].image = made
    with pytest.raises(RuntimeError, match="is not a file but generated"):
        bpy.ops.lightkiln.reconstruct()
    assert "is not a file but generated" in module("status").current.problem


def test_an_empty_mask(
    cameras: list[bpy.types.Object], pump_until: Callable[..., None], tmp_path: Path
) -> None:
    for index, camera in enumerate(cameras):
        cutout(_image_file(camera), np.full((48, 64), index != 2))
    bpy.context.scene.lightkiln.method = "paced"
    bpy.ops.lightkiln.reconstruct()
    job = module("status").current.job
    pump_until(lambda: job.is_over, may_fail=True)
    assert job.reason.startswith("The mask of 2.png is empty. Paint the object white in it")
    assert "Lightkiln" not in bpy.data.collections
    assert bpy.ops.lightkiln.retry.poll()
