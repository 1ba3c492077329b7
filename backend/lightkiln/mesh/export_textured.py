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
from typing import Any

import trimesh
from lightkiln_shared.geometry import TexturedMesh
from numpy.typing import NDArray
from PIL import Image
from trimesh.exchange.obj import export_obj
from trimesh.visual.material import PBRMaterial, SimpleMaterial

from .export import as_trimesh, known_suffix

BASE_COLOR, NORMAL = "basecolor.png", "normal.png"


def save_textured(textured: TexturedMesh, path: Path) -> None:
    """Write in the format of the path's suffix; raises `UserError` for another suffix."""
    suffix = known_suffix(path)
    out = as_trimesh(textured.mesh, suffix)
    if suffix == ".glb":
        out.visual = trimesh.visual.TextureVisuals(uv=textured.uvs, material=_material(textured))
        out.export(path, include_normals=True)
        return
    save_images(textured, path.parent, prefix=f"{path.stem}_")
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


def save_images(textured: TexturedMesh, folder: Path, prefix: str = "") -> list[Path]:
    """Write the images as PNG; returns where they lie."""
    images: list[tuple[str, NDArray[Any] | None]] = [
        (BASE_COLOR, textured.base_color),
        (NORMAL, textured.normal_map),
    ]
    written = []
    for name, pixels in images:
        if pixels is not None:
            written.append(folder / f"{prefix}{name}")
            Image.fromarray(pixels).save(written[-1])
    return written


def write_places(textured: TexturedMesh, path: Path) -> None:
    """Write the mesh alone as PLY, its places as float properties `s` and `t`."""
    out = as_trimesh(textured.mesh, ".ply")
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
