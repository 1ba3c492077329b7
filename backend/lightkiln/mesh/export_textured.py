# SPDX-License-Identifier: GPL-3.0-or-later
"""Textured meshes to files: GLB with its images inside; OBJ and PLY with PNG files beside them.

    x.glb   base colour and normal map packed
    x.obj   x.mtl, x_basecolor.png and x_normal.png beside it (as `norm`, the key that means it:
            Blender 4.5 would read `map_Bump` as sRGB, which bends every normal)
    x.ply   the places as `s` and `t` of each vertex; the same PNG files beside it

Axes are those of `export`. It must not know jobs or how textures are made.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import trimesh
from lightkiln_shared.geometry import TexturedMesh, TriangleMesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.exchange.obj import export_obj
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from lightkiln.ops.colors import srgb_bytes

from .export import as_trimesh, known_suffix, load_mesh

BASE_COLOR, NORMAL = "basecolor.png", "normal.png"


def save_textured(textured: TexturedMesh, path: Path) -> None:
    """Write in the format of the path's suffix; raises `UserError` for another suffix."""
    suffix = known_suffix(path)
    out = as_trimesh(textured.mesh, suffix)
    if suffix == ".glb":
        out.visual = trimesh.visual.TextureVisuals(uv=textured.uvs, material=_material(textured))
        out.export(path, include_normals=True)
        return
    for name, pixels in images(textured).items():
        Image.fromarray(pixels).save(path.with_name(f"{path.stem}_{name}"))
    if suffix == ".ply":
        write_places(textured, path)
        return
    material = SimpleMaterial(name="Lightkiln", image=Image.fromarray(textured.base_color))
    out.visual = trimesh.visual.TextureVisuals(uv=textured.uvs, material=material)
    text, _ = export_obj(
        out, include_normals=True, return_texture=True, mtl_name=f"{path.stem}.mtl"
    )
    path.write_text(text, encoding="utf-8")
    path.with_suffix(".mtl").write_text(_mtl(textured, path.stem), encoding="utf-8")


def load_textured(path: Path) -> TexturedMesh:
    """Read back a GLB that `save_textured` has written."""
    (geometry,) = trimesh.load_scene(path, process=False).geometry.values()
    mesh = load_mesh(path)
    material = geometry.visual.material
    normal = material.normalTexture
    return TexturedMesh(
        mesh=cast("TriangleMesh", mesh),  # it was written as one
        uvs=np.asarray(geometry.visual.uv, dtype=np.float32),
        base_color=np.asarray(material.baseColorTexture.convert("RGB")),
        normal_map=None if normal is None else np.asarray(normal.convert("RGB")),
    )


def images(textured: TexturedMesh) -> dict[str, NDArray[Any]]:
    """The images there are, by the ends of their files' names."""
    found = {BASE_COLOR: textured.base_color}
    if textured.normal_map is not None:
        found[NORMAL] = textured.normal_map
    return found


def write_places(textured: TexturedMesh, path: Path) -> None:
    """Write the mesh as PLY, vertices' colours too; places are float properties `s` and `t`."""
    out = as_trimesh(textured.mesh, ".ply")
    if textured.mesh.colors is not None:
        colors = srgb_bytes(textured.mesh.colors)
        out.visual = trimesh.visual.ColorVisuals(vertex_colors=colors)
    out.vertex_attributes["s"] = textured.uvs[:, 0]
    out.vertex_attributes["t"] = textured.uvs[:, 1]
    out.export(path, vertex_normal=True)


def _material(textured: TexturedMesh) -> PBRMaterial:
    """Matt, because glTF's own default is a metal."""
    normal = textured.normal_map
    return PBRMaterial(
        name="Lightkiln",
        baseColorTexture=Image.fromarray(textured.base_color),
        normalTexture=None if normal is None else Image.fromarray(normal),
        metallicFactor=0.0,
        roughnessFactor=1.0,
        doubleSided=True,
    )


def _mtl(textured: TexturedMesh, stem: str) -> str:
    lines = ["newmtl Lightkiln", "Kd 1 1 1", "Ks 0 0 0", f"map_Kd {stem}_{BASE_COLOR}"]
    if textured.normal_map is not None:
        lines.append(f"norm {stem}_{NORMAL}")
    return "\n".join(lines) + "\n"
