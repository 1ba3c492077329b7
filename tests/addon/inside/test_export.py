# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes out: images of every kind and place, regions, and the views that Blender renders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from pictures import png

CameraMaker = Callable[..., bpy.types.Object]
AROUND = [(4.0, 0.0, 1.0), (0.0, 4.0, 1.5), (-4.0, 0.0, 2.0), (0.0, -4.0, 1.0)]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "WEBP"])
@pytest.mark.parametrize("size", [(123, 77), (64, 301)])
def test_a_files_header_says_what_blender_says(
    kind: str, size: tuple[int, int], tmp_path: Path
) -> None:
    image = bpy.data.images.new("noise", *size)
    image.pixels.foreach_set(np.random.default_rng(1).random(4 * size[0] * size[1], np.float32))
    path = tmp_path / f"image.{kind.lower()}"
    image.filepath_raw, image.file_format = str(path), kind
    image.save()
    size_of, error = module("image_files").size_of, module("shared.errors").InvalidScene
    data = path.read_bytes()
    assert size_of(data, "image") == size
    with pytest.raises(error, match="truncated or damaged"):
        size_of(data[: len(data) // 2] if kind != "TIFF" else data[:16], "image")


def test_packed_images_and_images_beside_the_file_are_found(
    tmp_path: Path, add_camera: CameraMaker
) -> None:
    for index, position in enumerate(AROUND):
        add_camera(str(index), position, (0, 0, 0), png(tmp_path / f"{index}.png", grey=index))
    packed = bpy.data.objects["0"].data.background_images[0].image
    packed.pack()
    (tmp_path / "0.png").unlink()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "scene.blend"))
    bpy.data.objects["1"].data.background_images[0].image.filepath = "//1.png"
    prepared = module("shots").prepare(module("scene_export").order(bpy.context), lambda *_: None)
    scene = module("shared.codec").from_json(
        module("shared.scene").Scene, prepared.files[prepared.scene_sha256]
    )
    assert [view.image.name for view in scene.views] == ["0", "1.png", "2.png", "3.png"]
    assert len({view.image.sha256 for view in scene.views}) == 4
    assert {(view.camera.width, view.camera.height) for view in scene.views} == {(64, 48)}


@pytest.mark.parametrize(("shape", "display"), [("BOX", "CUBE"), ("SPHERE", "SPHERE")])
def test_a_region_stands_where_the_cameras_look_and_travels_as_it_is_shown(
    shape: str, display: str, add_camera: CameraMaker
) -> None:
    for index, position in enumerate(AROUND):
        add_camera(str(index), np.add(position, (1, 2, 3)), (1.0, 2.0, 3.0))
    bpy.ops.lightkiln.add_region(shape=shape)
    empty = bpy.context.scene.lightkiln.region
    assert empty.empty_display_type == display
    assert np.allclose(empty.location, (1.0, 2.0, 3.0), atol=1e-5)
    empty.scale, empty.empty_display_size = (1.0, 2.0, 3.0), 0.5
    bpy.context.view_layer.update()
    region = module("scene_export").region(empty)
    assert region.shape == shape.lower()
    corner = region.world_from_region @ (1.0, 1.0, 1.0, 1.0)
    assert np.allclose(corner[:3], (1.5, 3.0, 4.5), atol=1e-5)


def test_rendered_views_become_the_images(tmp_path: Path, add_camera: CameraMaker) -> None:
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.use_denoising = "CYCLES", 1, False
    scene.render.resolution_x, scene.render.resolution_y = 40, 24
    scene.lightkiln.image_folder = str(tmp_path)
    bpy.ops.mesh.primitive_cube_add(size=0.5)
    bpy.context.object.select_set(False)
    for index, position in enumerate(AROUND[:3]):
        add_camera(f"Cam.{index}", position, (0.0, 0.0, 0.0))
    before = (scene.render.filepath, scene.view_settings.view_transform, scene.camera)
    assert bpy.ops.lightkiln.render_views() == {"FINISHED"}
    assert (scene.render.filepath, scene.view_settings.view_transform, scene.camera) == before
    prepared = module("shots").prepare(module("scene_export").order(bpy.context), lambda *_: None)
    assert len(prepared.files) == 4
    image = bpy.data.images.load(str(tmp_path / "Cam.0.png"))
    alpha = np.array(image.pixels).reshape(24, 40, 4)[..., 3]
    assert alpha[12, 20] == 1.0
    assert alpha[0, 0] == 0.0
