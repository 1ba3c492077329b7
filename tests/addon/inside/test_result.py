# SPDX-License-Identifier: GPL-3.0-or-later
"""A textured result in Blender: solid across seams, its images packed and wired, written out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np
import pytest
from conftest import module
from pictures import png, png_bytes

CENTRE = np.array([1.0, 2.0, 3.0])
AROUND = [(4.0, 2.0, 3.0), (1.0, 6.0, 3.5), (-3.0, 2.0, 3.0), (1.0, -2.0, 2.5)]
GREY = 120


def test_a_textured_result_is_solid_and_wired_and_can_be_written_remeshed_and_made_again(
    tmp_path: Path, add_camera: Callable[..., bpy.types.Object], pump_until: Callable[..., None]
) -> None:
    """One job for all of it: baking takes longest."""
    for index, position in enumerate(AROUND):
        image = png(tmp_path / f"{index}.png", grey=GREY)
        add_camera(f"Camera {index}", position, tuple(CENTRE), image)
    settings = bpy.context.scene.lightkiln
    settings.method, settings.preset, settings.finish.size = "paced", "draft", "1024"
    assert settings.finish.color == "TEXTURE"
    bpy.ops.lightkiln.reconstruct()
    pump_until(lambda: module("status").current.job.imported, seconds=300.0)
    textured = bpy.context.view_layer.objects.active
    assert textured.name == module("status").current.job.imported_as
    _is_solid(textured)
    image, links = _base_color(textured)
    assert links == {"Base Color": "TEX_IMAGE"}
    assert image.packed_file is not None
    assert (tuple(image.size), image.colorspace_settings.name) == ((1024, 1024), "sRGB")
    _shows(textured, image, GREY / 255.0)
    _is_written(textured, tmp_path)
    _becomes_quads(textured)
    _is_made_again_without_training(textured, pump_until)


def _is_solid(thing: bpy.types.Object) -> None:
    data = thing.data
    assert (len(data.vertices), len(data.edges), len(data.polygons)) == (6, 12, 8)
    assert not data.validate(verbose=True)
    assert all(polygon.use_smooth for polygon in data.polygons)
    assert json.loads(thing["lightkiln_finish"])["texture"] == 1024


def _base_color(thing: bpy.types.Object) -> tuple[bpy.types.Image, dict[str, str]]:
    tree = thing.active_material.node_tree
    links = [link for link in tree.links if link.to_node.type == "BSDF_PRINCIPLED"]
    image = next(link.from_node.image for link in links if link.from_node.type == "TEX_IMAGE")
    return image, {link.to_socket.name: link.from_node.type for link in links}


def _shows(thing: bpy.types.Object, image: bpy.types.Image, value: float) -> None:
    """The texture has the photographs' grey where the cameras' sides of the mesh are."""
    size = image.size[0]
    pixels = np.array(image.pixels).reshape(size, size, 4)
    uvs = np.array([loop.vector for loop in thing.data.uv_layers.active.uv])
    assert ((uvs >= 0.0) & (uvs <= 1.0)).all()
    centres = (uvs.reshape(-1, 3, 2).mean(axis=1) * size).astype(int)
    seen = pixels[centres[:, 1], centres[:, 0], :3]
    assert np.allclose(np.median(seen, axis=0), value, atol=0.03)


def _is_written(thing: bpy.types.Object, folder: Path) -> None:
    bpy.context.view_layer.objects.active = thing
    for name, suffix in (("GLB", "glb"), ("OBJ", "obj"), ("PLY", "ply"), ("USD", "usdc")):
        path = folder / f"out.{suffix}"
        done = bpy.ops.lightkiln.export_result(format=name, filepath=str(path))
        assert done == {"FINISHED"}
        assert path.stat().st_size > 500
    assert b"image/png" in (folder / "out.glb").read_bytes()
    assert "map_Kd" in (folder / "out.mtl").read_text()
    assert len(list(folder.rglob("*Colour*.png"))) >= 1


def _is_made_again_without_training(
    thing: bpy.types.Object, pump_until: Callable[..., None]
) -> None:
    before, current = thing["lightkiln_job"], module("status").current
    finish = bpy.context.scene.lightkiln.finish
    finish.color, finish.faces, finish.keep_largest = "VERTICES", 6, True
    assert bpy.ops.lightkiln.finish_again() == {"FINISHED"}
    phases = set()

    def is_imported() -> bool:
        phases.add(current.job.progress.phase if current.job.progress else "")
        return current.job.imported

    pump_until(is_imported)
    assert "wait" not in phases
    assert current.job.job_id != before
    again = bpy.data.objects[current.job.imported_as]
    assert len(again.data.polygons) <= 6
    assert not again.data.uv_layers


def _becomes_quads(textured: bpy.types.Object) -> None:
    """Here and in another Blender, which gives the same."""
    bpy.context.view_layer.objects.active = textured
    assert bpy.ops.lightkiln.quads(faces=200) == {"FINISHED"}
    quads = bpy.context.view_layer.objects.active
    assert quads != textured
    assert {len(polygon.vertices) for polygon in quads.data.polygons} == {4}
    assert len(textured.data.polygons) == 8
    colors = np.array([item.color for item in quads.data.color_attributes.active_color.data])
    assert np.ptp(colors[:, 0]) > 0.5, "red above, blue below"
    elsewhere = module("quadriflow").Elsewhere(textured.data, 200)
    end = time.monotonic() + 60.0
    while not elsewhere.is_over:
        assert time.monotonic() < end
        time.sleep(0.1)
    same = elsewhere.take()
    assert len(same.polygons) == len(quads.data.polygons)
    assert np.array_equal(_places(same), _places(quads.data))


def _places(mesh: bpy.types.Mesh) -> np.ndarray:
    return np.array([vertex.co for vertex in mesh.vertices])


def test_a_normal_map_is_no_colour_and_damaged_files_are_refused() -> None:
    results, errors = module("results"), module("shared.errors")
    picture = png_bytes(np.full((8, 8, 3), 128, dtype=np.uint8))
    mesh = b"ply\nformat binary_little_endian 1.0\nelement vertex 4\n" + b"".join(
        b"property float %s\n" % name for name in (b"x", b"y", b"z", b"s", b"t")
    )
    mesh += b"element face 2\nproperty list uchar int vertex_indices\nend_header\n"
    corners = [[0, 0, 0, 0, 0], [1, 0, 0, 1, 0], [0, 1, 0, 0, 1], [0, 1, 0, 0.5, 0.5]]
    faces = np.zeros(2, [("count", "u1"), ("indices", "<i4", 3)])
    faces["count"], faces["indices"] = 3, [(0, 1, 2), (1, 0, 3)]
    body = np.array(corners, dtype="<f4").tobytes() + faces.tobytes()
    result = results.ready(mesh + body, picture, picture)
    assert (len(result.mesh.positions), result.uvs.shape) == (3, (6, 2))
    made = module("textured_material").material("Thing", picture, picture)
    nodes = made.node_tree.nodes
    bent = next(node for node in nodes if node.type == "NORMAL_MAP")
    (link,) = bent.inputs["Color"].links
    assert link.from_node.image.colorspace_settings.name == "Non-Color"
    assert bent.outputs["Normal"].links[0].to_socket.name == "Normal"
    for data, image in (
        (mesh + body[:-1], picture),
        (mesh + body, b"GIF89a" + picture),
        (mesh + np.full_like(corners, np.nan, dtype="<f4").tobytes() + faces.tobytes(), picture),
    ):
        with pytest.raises(errors.MalformedMessage):
            results.ready(data, image, None)
