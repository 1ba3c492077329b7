# SPDX-License-Identifier: GPL-3.0-or-later
"""Procedural colours for the measured things and for the sky behind them, as shader nodes.

All of them are functions of the position, so that nothing needs to be unwrapped.
It must not know shapes or cameras.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import bpy

Colour = tuple[float, float, float]
Inputs = dict[str | int, object]


class Nodes:
    """A node tree, written as nested calls: an input is a value or another node's output."""

    def __init__(self, tree: bpy.types.NodeTree) -> None:
        self.tree = tree
        tree.nodes.clear()

    def add(self, kind: str, inputs: Inputs | None = None, **settings: object) -> bpy.types.Node:
        """Add a node `ShaderNode{kind}` with its settings and inputs."""
        node = self.tree.nodes.new(f"ShaderNode{kind}")
        for name, value in settings.items():
            setattr(node, name, value)
        for key, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node

    def position(self) -> bpy.types.NodeSocket:
        """Where on the object, its own axes."""
        return self.add("TexCoord").outputs["Object"]

    def noise(
        self, where: bpy.types.NodeSocket, scale: float, detail: float = 3.0
    ) -> bpy.types.NodeSocket:
        """Noise in [0, 1]."""
        given = {"Vector": where, "Scale": scale, "Detail": detail}
        return self.add("TexNoise", given).outputs[0]

    def cells(self, where: bpy.types.NodeSocket, scale: float) -> bpy.types.NodeSocket:
        """A random colour for each Voronoi cell."""
        return self.add("TexVoronoi", {"Vector": where, "Scale": scale}).outputs["Color"]

    def ramp(
        self,
        factor: bpy.types.NodeSocket,
        colours: Sequence[Colour],
        low: float = 0.0,
        high: float = 1.0,
    ) -> bpy.types.NodeSocket:
        """Colours spread over [low, high] of a factor."""
        node = self.add("ValToRGB", {"Fac": factor})
        stops = node.color_ramp.elements
        while len(stops) < len(colours):
            stops.new(1.0)
        for index, colour in enumerate(colours):
            stops[index].position = low + (high - low) * index / (len(colours) - 1)
            stops[index].color = (*colour, 1.0)
        return node.outputs["Color"]

    def mix(self, factor: object, a: object, b: object, blend: str = "MIX") -> bpy.types.NodeSocket:
        """Mix two colours."""
        # Sockets of the Mix node by index: its names repeat for floats, vectors and colours.
        node = self.add("Mix", data_type="RGBA", blend_type=blend)
        for index, value in ((0, factor), (6, a), (7, b)):
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, node.inputs[index])
            else:
                node.inputs[index].default_value = value
        return node.outputs[2]

    def component(self, where: bpy.types.NodeSocket, axis: str) -> bpy.types.NodeSocket:
        """X, Y or Z of a vector."""
        return self.add("SeparateXYZ", {"Vector": where}).outputs[axis]

    def math(self, operation: str, *values: object) -> bpy.types.NodeSocket:
        """A scalar operation."""
        return self.add("Math", dict(enumerate(values)), operation=operation).outputs[0]

    def within(self, value: object, low: float, high: float) -> bpy.types.NodeSocket:
        """1 where a number lies between two others, else 0."""
        return self.math("COMPARE", value, (low + high) / 2, (high - low) / 2)


def matt(
    name: str, colour: Callable[[Nodes], bpy.types.NodeSocket], roughness: float = 0.65
) -> bpy.types.Material:
    """A material of the given colours, with little gloss."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = Nodes(material.node_tree)
    given: Inputs = {"Base Color": colour(nodes), "Roughness": roughness, "Specular IOR Level": 0.2}
    surface = nodes.add("BsdfPrincipled", given)
    nodes.add("OutputMaterial", {"Surface": surface.outputs[0]})
    return material


def lacquered(name: str, colour: Callable[[Nodes], bpy.types.NodeSocket]) -> bpy.types.Material:
    """The given colours under clear lacquer."""
    material = matt(name, colour, roughness=0.3)
    shader = next(n for n in material.node_tree.nodes if n.type == "BSDF_PRINCIPLED")
    shader.inputs["Specular IOR Level"].default_value = 0.5
    shader.inputs["Coat Weight"].default_value = 1.0
    shader.inputs["Coat Roughness"].default_value = 0.06
    return material


def polished(name: str) -> bpy.types.Material:
    """A mirror, a little yellow."""
    material = bpy.data.materials.new(name)
    material.use_nodes = True
    nodes = Nodes(material.node_tree)
    given: Inputs = {"Base Color": (0.9, 0.85, 0.7, 1.0), "Metallic": 1.0, "Roughness": 0.03}
    surface = nodes.add("BsdfPrincipled", given)
    nodes.add("OutputMaterial", {"Surface": surface.outputs[0]})
    return material


def masonry(nodes: Nodes) -> bpy.types.NodeSocket:
    """Coloured fields with fine grain; bricks on the foot."""
    where = nodes.position()
    fields = nodes.ramp(
        nodes.component(nodes.cells(where, 3.5), "X"),
        [
            (0.55, 0.13, 0.05),
            (0.75, 0.52, 0.18),
            (0.12, 0.3, 0.33),
            (0.68, 0.62, 0.5),
            (0.2, 0.1, 0.16),
        ],
        0.1,
        0.9,
    )
    along = nodes.math("ADD", nodes.component(where, "X"), nodes.component(where, "Y"))
    wall = nodes.add("CombineXYZ", {"X": along, "Y": nodes.component(where, "Z")}).outputs[0]
    bricks = nodes.add(
        "TexBrick",
        {
            "Vector": wall,
            "Color1": (0.5, 0.12, 0.06, 1),
            "Color2": (0.3, 0.2, 0.12, 1),
            "Mortar": (0.75, 0.72, 0.65, 1),
            "Scale": 4.0,
        },
    ).outputs["Color"]
    foot = nodes.math("LESS_THAN", nodes.component(where, "Z"), -0.58)
    grain = nodes.ramp(nodes.noise(where, 14.0, 6.0), [(0.25, 0.25, 0.25), (1, 1, 1)], 0.3, 0.65)
    return nodes.mix(0.85, nodes.mix(foot, fields, bricks), grain, "MULTIPLY")


def slip(nodes: Nodes) -> bpy.types.NodeSocket:
    """Painted bands under a speckled glaze."""
    where = nodes.position()
    height = nodes.math(
        "ADD", nodes.component(where, "Z"), nodes.math("MULTIPLY", nodes.noise(where, 3.0), 0.25)
    )
    band = nodes.math("FRACT", nodes.math("MULTIPLY", height, 3.2))
    bands = nodes.ramp(
        band,
        [
            (0.72, 0.62, 0.42),
            (0.1, 0.2, 0.42),
            (0.7, 0.66, 0.56),
            (0.52, 0.2, 0.08),
            (0.72, 0.62, 0.42),
        ],
    )
    speckle = nodes.ramp(nodes.noise(where, 18.0, 5.0), [(0.3, 0.24, 0.2), (1, 1, 1)], 0.35, 0.6)
    return nodes.mix(0.8, bands, speckle, "MULTIPLY")


def marble(nodes: Nodes) -> bpy.types.NodeSocket:
    """Veins and cells of two stones."""
    where = nodes.position()
    stone = nodes.ramp(
        nodes.noise(where, 4.0, 8.0),
        [(0.08, 0.16, 0.14), (0.75, 0.72, 0.6), (0.4, 0.12, 0.08), (0.8, 0.7, 0.5)],
        0.3,
        0.7,
    )
    cells = nodes.ramp(
        nodes.component(nodes.cells(where, 7.0), "Y"), [(0.45, 0.45, 0.45), (1, 1, 1)]
    )
    grain = nodes.ramp(nodes.noise(where, 22.0, 4.0), [(0.4, 0.4, 0.4), (1, 1, 1)], 0.35, 0.6)
    return nodes.mix(0.8, nodes.mix(0.8, stone, cells, "MULTIPLY"), grain, "MULTIPLY")


def celadon(nodes: Nodes) -> bpy.types.NodeSocket:
    """One pale green, hardly clouded."""
    return nodes.ramp(
        nodes.noise(nodes.position(), 2.0), [(0.36, 0.52, 0.42), (0.42, 0.58, 0.46)], 0.3, 0.7
    )


def outdoors(world: bpy.types.World) -> None:
    """Show the camera a clouded, patched sky at infinity; light from it stays as it was."""
    world.use_nodes = True
    nodes = Nodes(world.node_tree)
    where = nodes.add("TexCoord").outputs["Generated"]
    patches = nodes.ramp(
        nodes.component(nodes.cells(where, 9.0), "Z"),
        [(0.1, 0.16, 0.08), (0.4, 0.36, 0.25), (0.25, 0.4, 0.55), (0.55, 0.5, 0.5)],
    )
    grain = nodes.ramp(nodes.noise(where, 25.0, 6.0), [(0.35, 0.35, 0.35), (1, 1, 1)], 0.3, 0.65)
    seen = nodes.add("Background", {"Color": nodes.mix(0.8, patches, grain, "MULTIPLY")})
    nodes.add("OutputWorld", {"Surface": seen.outputs[0]})


PAINTS: dict[str, Callable[[Nodes], bpy.types.NodeSocket]] = {
    "solid": masonry,
    "thin": slip,
    "holes": marble,
    "plain": celadon,
}
