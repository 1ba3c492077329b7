# SPDX-License-Identifier: GPL-3.0-or-later
"""From the surface that a method made to what a person gets: cleaned, reduced, unwrapped, baked.

Where there are no photographs the texture holds the surface's own colours.

It must not know methods, jobs or files.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from lightkiln_shared.finish import Finish
from lightkiln_shared.geometry import TexturedMesh, TriangleMesh

from lightkiln.capture.inputs import LoadedView
from lightkiln.mesh.clean import largest_part, without_degenerate
from lightkiln.mesh.color_map import bake_colors
from lightkiln.mesh.holes import fill_holes
from lightkiln.mesh.normal_map import bake_normals
from lightkiln.mesh.simplify import simplify
from lightkiln.mesh.unwrap import unwrap
from lightkiln.ops.triangles import vertex_normals

from .bake import Steps, bake

FACES_TO_UNWRAP = 100_000
"""Unless another budget is asked for: more take minutes to unwrap, and a texture needs fewer."""


def cleaned(mesh: TriangleMesh, finish: Finish) -> TriangleMesh:
    """The whole surface, all its triangles, without what is not wanted."""
    if finish.keep_largest:
        mesh = largest_part(mesh)
    if finish.fill_holes:
        mesh = fill_holes(mesh)
    return mesh


def reduced(mesh: TriangleMesh, finish: Finish) -> TriangleMesh:
    """At most the triangles that were asked for, with smooth normals."""
    budget = finish.faces or (FACES_TO_UNWRAP if finish.texture else len(mesh.triangles))
    fewer = simplify(mesh, budget)
    if fewer is mesh:
        return mesh
    return replace(fewer, normals=vertex_normals(fewer.positions, fewer.triangles))


def textured(
    mesh: TriangleMesh,
    dense: TriangleMesh,
    views: Sequence[LoadedView],
    finish: Finish,
    steps: Steps = range,
) -> TexturedMesh:
    """Unwrap `mesh` and bake the photographs onto it, and the shape of `dense` if it has more.

    Without photographs the colours are those of `dense`.
    """
    mesh = without_degenerate(mesh)
    unwrapped, uvs = unwrap(mesh, finish.texture)
    normal_map = None
    if finish.normal_map and len(dense.triangles) > len(mesh.triangles):
        normal_map = bake_normals(unwrapped, uvs, dense, finish.texture)
    if views:
        base_color = bake(unwrapped, uvs, views, finish.texture, steps)
    else:
        base_color = bake_colors(unwrapped, uvs, dense, finish.texture, steps)
    return TexturedMesh(mesh=unwrapped, uvs=uvs, base_color=base_color, normal_map=normal_map)
