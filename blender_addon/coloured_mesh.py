# SPDX-License-Identifier: GPL-3.0-or-later
"""Checked arrays to a Blender mesh that shows its colours: the result and the coarse preview.

Building goes in slices of a few milliseconds, so that a preview never holds the viewport up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
import numpy as np
from bpy.types import Material, Mesh
from numpy.typing import NDArray

from .edges import Edges
from .shared.geometry import TriangleMesh
from .textured_material import matt

COLORS, PLACES = "Color", "UVMap"
MATERIAL = "Lightkiln Colours"
GREY = 0.6


def build(mesh: Mesh, source: TriangleMesh, edges: Edges | None = None) -> Iterator[None]:
    """Fill a mesh with arrays that were checked before; yields between slices of the work.

    Edges that are given need not be found here.
    """
    num_triangles = len(source.triangles)
    mesh.clear_geometry()
    mesh.vertices.add(len(source.positions))
    mesh.loops.add(3 * num_triangles)
    mesh.polygons.add(num_triangles)
    mesh.edges.add(0 if edges is None else len(edges.vertices))
    _set(mesh, "position", "vector", source.positions)
    yield
    starts = np.arange(0, 3 * num_triangles, 3, dtype=np.int32)
    mesh.polygons.foreach_set("loop_start", starts)
    yield
    # ten times as fast as the same through `mesh.loops`
    _set(mesh, ".corner_vert", "value", source.triangles)
    if edges is not None:
        _set(mesh, ".edge_verts", "value", edges.vertices)
        _set(mesh, ".corner_edge", "value", edges.of_corners)
    yield
    _set_colors(mesh, source)
    yield
    mesh.update(calc_edges=edges is None)
    yield
    mesh.shade_smooth()


def finish(steps: Iterator[None]) -> None:
    """Do all slices at once."""
    for _ in steps:
        pass


def material() -> Material:
    """The material that shows the vertex colours; made once, then shared."""
    found = bpy.data.materials.get(MATERIAL)
    if found is not None:
        return found
    made, surface = matt(MATERIAL)
    colors = made.node_tree.nodes.new("ShaderNodeVertexColor")
    colors.layer_name = COLORS
    colors.location = (surface.location.x - 220.0, surface.location.y)
    made.node_tree.links.new(colors.outputs["Color"], surface.inputs["Base Color"])
    return made


def set_places(mesh: Mesh, uvs: NDArray[Any]) -> None:
    """Give each corner its place (3 F, 2) in a texture."""
    mesh.uv_layers.new(name=PLACES, do_init=False)
    _set(mesh, PLACES, "vector", uvs)


def show_colors(kind: str = "VERTEX") -> None:
    """Let solid viewports show colours, of vertices or a `TEXTURE`, where they show plain grey."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "VIEW_3D" and area.spaces.active.shading.color_type == "MATERIAL":
                area.spaces.active.shading.color_type = kind


def _set(mesh: Mesh, attribute: str, part: str, values: NDArray[Any]) -> None:
    mesh.attributes[attribute].data.foreach_set(part, values.reshape(-1))


def _set_colors(mesh: Mesh, source: TriangleMesh) -> None:
    rgba = np.ones((len(source.positions), 4), dtype=np.float32)
    rgba[:, :3] = GREY if source.colors is None else source.colors
    attribute = mesh.color_attributes.get(COLORS)
    if attribute is None:
        attribute = mesh.color_attributes.new(COLORS, "FLOAT_COLOR", "POINT")
    attribute.data.foreach_set("color", rgba.reshape(-1))
    mesh.color_attributes.active_color = attribute
