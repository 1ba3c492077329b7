# SPDX-License-Identifier: GPL-3.0-or-later
"""Run by Blender, or by a Python with `bpy`: the meshes of .blend files as PLY.

    ... blender_export.py -- FOLDER INTO

Of each file its assets, or all of its meshes if none is marked, with the colours of their
materials, as `INTO/FILE/NUMBER.ply`. It must not import Lightkiln: that is not where Blender is.
"""

import sys
from pathlib import Path
from typing import Any

import bpy
import numpy as np

GREY = (0.5, 0.5, 0.5)


def main(folder: Path, into: Path) -> None:
    """Every file of the folder and of those in it."""
    for number, file in enumerate(sorted(folder.rglob("*.blend"))):
        bpy.ops.wm.open_mainfile(filepath=str(file), load_ui=False)
        meshes = [each for each in bpy.data.objects if each.type == "MESH" and each.data.polygons]
        assets = [each for each in meshes if each.asset_data is not None]
        kept = into / f"{number:03}-{_plain(file.stem)}"
        kept.mkdir(parents=True, exist_ok=True)
        for index, thing in enumerate(assets or meshes):
            _save(thing, kept / f"{index:04}.ply")


def _plain(text: str) -> str:
    """Letters and digits alone: it becomes a family's name."""
    return "".join(each if each.isalnum() else "-" for each in text)[:60]


def _save(thing: Any, path: Path) -> None:
    mesh = thing.data
    mesh.calc_loop_triangles()
    positions = _array(mesh.vertices, "co", np.float32, 3)
    matrix = np.array(thing.matrix_world, dtype=np.float64)
    triangles = _array(mesh.loop_triangles, "vertices", np.int32, 3)
    if np.linalg.det(matrix[:3, :3]) < 0.0:  # mirrored: what was outside would be inside
        triangles = triangles[:, ::-1]
    vertices = np.zeros(len(positions), dtype=[("at", "<f4", 3), ("color", "u1", 3)])
    vertices["at"] = positions @ matrix[:3, :3].T + matrix[:3, 3]
    vertices["color"] = _colors(mesh, len(positions))
    faces = np.zeros(len(triangles), dtype=[("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, triangles
    path.write_bytes(_header(len(vertices), len(faces)) + vertices.tobytes() + faces.tobytes())


def _colors(mesh: Any, count: int) -> Any:
    """sRGB bytes of each vertex: of the material of its last polygon."""
    linear = np.tile(np.array(GREY), (count, 1))
    for polygon in mesh.polygons if mesh.materials else ():
        material = mesh.materials[min(polygon.material_index, len(mesh.materials) - 1)]
        if material is not None:
            linear[list(polygon.vertices)] = _base(material)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255.0 * np.clip(srgb, 0.0, 1.0))


def _base(material: Any) -> tuple[float, ...]:
    """A material's base colour, linear; textures are left aside."""
    for node in material.node_tree.nodes if material.node_tree else ():
        if node.type == "BSDF_PRINCIPLED":
            return tuple(node.inputs["Base Color"].default_value[:3])
    return tuple(material.diffuse_color[:3])


def _header(vertices: int, faces: int) -> bytes:
    lines = ["ply", "format binary_little_endian 1.0", f"element vertex {vertices}"]
    lines += [f"property float {axis}" for axis in "xyz"]
    lines += [f"property uchar {color}" for color in ("red", "green", "blue")]
    lines += [f"element face {faces}", "property list uchar int vertex_indices", "end_header", ""]
    return "\n".join(lines).encode("ascii")


def _array(items: Any, name: str, kind: Any, width: int) -> Any:
    values = np.empty(len(items) * width, dtype=kind)
    items.foreach_get(name, values)
    return values.reshape(-1, width)


main(*map(Path, sys.argv[sys.argv.index("--") + 1 :]))
