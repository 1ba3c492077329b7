# SPDX-License-Identifier: GPL-3.0-or-later
"""The material of a textured result: its images packed into the file, each in its own colour space.

A normal map holds directions and no colours: read as sRGB it would bend every normal.
It must not know meshes or jobs.
"""

from __future__ import annotations

import bpy
from bpy.types import Image, Material, Node

from . import packed

ROUGHNESS, SPECULAR = 0.8, 0.1  # photographs carry their own highlights: add few


def matt(name: str) -> tuple[Material, Node]:
    """A new material and its surface, which is matt."""
    made = bpy.data.materials.new(name)
    if bpy.app.version < (5, 0, 0):
        made.use_nodes = True  # always so from 5.0 on
    surface = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    surface.inputs["Roughness"].default_value = ROUGHNESS
    surface.inputs["Specular IOR Level"].default_value = SPECULAR
    return made, surface


def material(name: str, base_color: bytes, normal_map: bytes | None) -> Material:
    """A material that shows PNG images at the mesh's places."""
    made, surface = matt(name)
    color = _image_node(made, surface, packed.image(f"{name} Colour", base_color), 0.0)
    made.node_tree.links.new(color.outputs["Color"], surface.inputs["Base Color"])
    if normal_map is not None:
        image = packed.image(f"{name} Normals", normal_map, "Non-Color")
        bent = made.node_tree.nodes.new("ShaderNodeNormalMap")
        bent.location = (surface.location.x - 220.0, surface.location.y - 320.0)
        normals = _image_node(made, surface, image, -320.0)
        made.node_tree.links.new(normals.outputs["Color"], bent.inputs["Color"])
        made.node_tree.links.new(bent.outputs["Normal"], surface.inputs["Normal"])
    made.node_tree.nodes.active = color  # what solid viewports show and painting paints
    return made


def _image_node(made: Material, surface: Node, image: Image, below: float) -> Node:
    node = made.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = image
    node.location = (surface.location.x - 520.0, surface.location.y + below)
    return node
