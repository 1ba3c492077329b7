# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes to files and back: GLB, PLY, OBJ (and STL for reading), through trimesh.

In memory the world is Z-up. GLB demands Y-up and OBJ is commonly so; importers, Blender's too, turn
them back, and so does `load_mesh`. PLY and STL stay as they are.

    gltf_from_world: (x, y, z) -> (x, z, -y)

Colours are linear in memory and in GLB (COLOR_0); PLY and OBJ hold sRGB, as their viewers expect.
It must not know methods or jobs.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import PointCloud, TriangleMesh
from numpy.typing import NDArray

from lightkiln.ops.colors import linear_from_srgb, srgb_bytes

WRITTEN = (".glb", ".ply", ".obj")
READ = (*WRITTEN, ".stl")
_Y_UP = (".glb", ".obj")
_LINEAR = (".glb",)

# What trimesh's readers were seen to raise on damaged files.
_DAMAGE = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,  # of optional packages, which only odd files need
    LookupError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    struct.error,
)

_GLTF_FROM_WORLD = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])


def save_mesh(mesh: TriangleMesh, path: Path) -> None:
    """Write a mesh in the format of the path's suffix; raises `UserError` for another suffix."""
    suffix = known_suffix(path)
    has_normals = mesh.normals is not None
    out = as_trimesh(mesh, suffix)
    if suffix == ".glb":
        if mesh.colors is not None:  # as floats: eight linear bits would show bands in the dark
            out.vertex_attributes["_COLOR_0"] = mesh.colors.astype(np.float32)
        out.export(path, include_normals=has_normals, tree_postprocessor=_finish_gltf)
        return
    if mesh.colors is not None:
        out.visual = trimesh.visual.ColorVisuals(vertex_colors=srgb_bytes(mesh.colors))
    if suffix == ".ply":
        out.export(path, vertex_normal=has_normals)
    else:
        out.export(path, include_normals=has_normals)


def as_trimesh(mesh: TriangleMesh, suffix: str) -> trimesh.Trimesh:
    """The shape alone, in the axes of a format."""
    turn = _GLTF_FROM_WORLD.T if suffix in _Y_UP else np.eye(3)
    return trimesh.Trimesh(
        vertices=mesh.positions @ turn,
        faces=mesh.triangles,
        vertex_normals=None if mesh.normals is None else mesh.normals @ turn,
        process=False,
    )


def load_mesh(path: Path) -> TriangleMesh | PointCloud:
    """Read a mesh, or a point cloud where the file has no triangles; Z-up, linear colours.

    Raises `UserError`, naming the file, if it is missing, damaged, empty or of another kind.
    """
    suffix = known_suffix(path, READ)
    if not path.is_file():
        raise UserError(f"The file {path} does not exist.", hint="Check the path.")
    try:
        geometry = _whole(trimesh.load_scene(path, process=False))
        positions = np.asarray(getattr(geometry, "vertices", ()), dtype=np.float64)
        triangles = np.asarray(getattr(geometry, "faces", ()), dtype=np.int64).reshape(-1, 3)
        colors = _colors(geometry, is_linear=suffix in _LINEAR)
        # Where lines of a file are torn, vertices and normals can be of two numbers.
        positions = positions.reshape(len(positions), 3)
        normals = np.asarray(geometry.vertex_normals) if len(triangles) else positions
        normals = normals.reshape(len(positions), 3)
    except _DAMAGE as error:
        raise UserError(
            f"{path.name} cannot be read: {error}.", hint="Export it again, best as GLB or PLY."
        ) from None
    if len(positions) == 0 or not np.isfinite(positions).all():
        raise UserError(f"{path.name} holds no usable vertices.", hint="Export it again.")
    if len(triangles) and not 0 <= triangles.min() <= triangles.max() < len(positions):
        raise UserError(f"{path.name} has triangles without vertices.", hint="Export it again.")
    turn = _GLTF_FROM_WORLD if suffix in _Y_UP else np.eye(3)
    positions = (positions @ turn).astype(np.float32)
    if len(triangles) == 0:
        return PointCloud(positions=positions, colors=colors)
    return TriangleMesh(
        positions=positions,
        triangles=triangles.astype(np.int32),
        colors=colors,
        normals=(normals @ turn).astype(np.float32),
    )


def _finish_gltf(tree: dict[str, Any]) -> None:
    """Name the colours (trimesh lets callers add names with a leading underscore only), and set a
    matt material, because glTF's own default is a metal."""
    primitive = tree["meshes"][0]["primitives"][0]
    if "_COLOR_0" in primitive["attributes"]:
        primitive["attributes"]["COLOR_0"] = primitive["attributes"].pop("_COLOR_0")
    matt = {"metallicFactor": 0.0, "roughnessFactor": 1.0}
    tree["materials"] = [{"name": "Lightkiln", "pbrMetallicRoughness": matt, "doubleSided": True}]
    primitive["material"] = 0


def _whole(scene: trimesh.Scene) -> Any:
    """All of a file in one piece. A single piece keeps what the file says of its vertices; copies
    and concatenations made by trimesh lose normals, and colours beside a material."""
    nodes = scene.graph.nodes_geometry
    if len(nodes) != 1:
        return scene.to_geometry()
    matrix, name = scene.graph[nodes[0]]
    return scene.geometry[name].apply_transform(matrix)


def _colors(geometry: Any, *, is_linear: bool) -> NDArray[Any] | None:
    """Colours of vertices from where trimesh keeps them: beside a material, in its place, or in its
    texture."""
    visual = getattr(geometry, "visual", geometry)
    if isinstance(visual, trimesh.visual.TextureVisuals):
        stored = visual.vertex_attributes.data.get("color")
        if stored is None and _is_painted(visual.material):
            stored = np.asarray(visual.to_color().vertex_colors)
            is_linear = is_linear and stored.ndim == 1  # a factor; pictures are sRGB
            stored = np.broadcast_to(stored, (len(geometry.vertices), 4))
    elif isinstance(visual, trimesh.PointCloud):
        stored = visual.colors
    else:
        stored = visual.vertex_colors if visual.kind == "vertex" else None
    if stored is None or len(stored) != len(geometry.vertices):
        return None
    values = np.asarray(stored)[:, :3]
    if values.dtype.kind == "u":
        values = values / np.iinfo(values.dtype).max
    return (values if is_linear else linear_from_srgb(values)).astype(np.float32)


def _is_painted(material: Any) -> bool:
    """Whether a material says which colours its mesh has: by a picture, or by one factor."""
    says = ("image", "baseColorTexture", "baseColorFactor")
    return any(getattr(material, name, None) is not None for name in says)


def known_suffix(path: Path, suffixes: tuple[str, ...] = WRITTEN) -> str:
    """The path's suffix in lower case; raises `UserError` for one that is not among these."""
    suffix = path.suffix.lower()
    if suffix not in suffixes:
        raise UserError(
            f"{path.name} is of no kind of mesh that can be used.",
            hint=f"Use one of {', '.join(suffixes)}.",
        )
    return suffix
