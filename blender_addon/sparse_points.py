# SPDX-License-Identifier: GPL-3.0-or-later
"""The sparse points as an object: coloured, and grey outside the region, without a line of Python
at work. Geometry nodes put a small body on each point and compare it with the region's empty, whose
shape and size reach them by plain drivers: so it follows the empty as it is dragged.

With p the point in the region's axes and s the empty's display size, it is inside where
|p|_inf <= s (cube) or |p|_2 <= s (sphere).
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from bpy.types import Mesh, Modifier, Node, NodeSocket, NodeTree, Object
from numpy.typing import NDArray

from . import coloured_mesh

TAG = "lightkiln_points"
NODES = "Lightkiln Points"
GREY = (0.12, 0.12, 0.12, 1.0)
SHARE = 1.2
"""Of the usual distance between neighbours, for a body's radius: they overlap, because the viewport
draws a black line round whatever stands alone."""
SPHERE_AFTER = 5.5
"""`empty_display_type` as a number: a cube is 5, a sphere 6."""


def add(name: str, positions: NDArray[Any], colors: NDArray[Any]) -> Object:
    """An object of the points (N, 3) and their linear colours (N, 3), in no collection yet."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(positions))
    mesh.attributes["position"].data.foreach_set("vector", positions.reshape(-1))
    rgba = np.ones((len(positions), 4), dtype=np.float32)
    rgba[:, :3] = colors
    attribute = mesh.color_attributes.new(coloured_mesh.COLORS, "FLOAT_COLOR", "POINT")
    attribute.data.foreach_set("color", rgba.reshape(-1))
    mesh.color_attributes.active_color = attribute
    mesh.update()
    made = bpy.data.objects.new(name, mesh)
    made[TAG] = True
    modifier = made.modifiers.new(NODES, "NODES")
    modifier.node_group = _Tree(_radius(positions)).tree
    return made


def is_cloud(thing: Object) -> bool:
    """True if an object is a sparse point cloud."""
    return TAG in thing and isinstance(thing.data, Mesh)


def positions_of(cloud: Object) -> NDArray[Any]:
    """The points (N, 3) in the world."""
    local = np.empty(3 * len(cloud.data.vertices), dtype=np.float32)
    cloud.data.attributes["position"].data.foreach_get("vector", local)
    matrix = np.array(cloud.matrix_world, dtype=np.float64)
    return local.reshape(-1, 3) @ matrix[:3, :3].T + matrix[:3, 3]


def colors_of(cloud: Object) -> NDArray[Any]:
    """The points' own linear colours (N, 3)."""
    rgba = np.empty(4 * len(cloud.data.vertices), dtype=np.float32)
    cloud.data.color_attributes[coloured_mesh.COLORS].data.foreach_get("color", rgba)
    return rgba.reshape(-1, 4)[:, :3]


def compare_with(cloud: Object, region: Object | None) -> None:
    """Grey what is outside of a region from now on; None: nothing."""
    modifier = cloud.modifiers.get(NODES)
    tree = modifier.node_group if isinstance(modifier, Modifier) else None
    if tree is None or "Region" not in tree.nodes:  # taken apart by a person: theirs to keep
        return
    nodes = tree.nodes
    nodes["Region"].inputs["Object"].default_value = region
    nodes["Is Compared"].outputs[0].default_value = 0.0 if region is None else 1.0
    _follow(nodes["Display Type"].outputs[0], region, "empty_display_type")
    _follow(nodes["Display Size"].outputs[0], region, "empty_display_size")


def _follow(socket: NodeSocket, region: Object | None, path: str) -> None:
    socket.driver_remove("default_value")
    if region is None:
        return
    driver = socket.driver_add("default_value").driver
    driver.type = "AVERAGE"  # of one: no expression, which a careful Blender would not run
    variable = driver.variables.new()
    variable.targets[0].id = region
    variable.targets[0].data_path = path


def _radius(positions: NDArray[Any]) -> float:
    """As if the middle half of the points lay evenly on a surface."""
    if len(positions) < 2:
        return 0.01
    low, high = np.quantile(positions, (0.25, 0.75), axis=0)
    return float(max(SHARE * np.linalg.norm(high - low) / np.sqrt(len(positions)), 1e-5))


class _Tree:
    """Builds the node group of one point cloud."""

    def __init__(self, radius: float) -> None:
        self.tree: NodeTree = bpy.data.node_groups.new(NODES, "GeometryNodeTree")
        for direction in ("INPUT", "OUTPUT"):
            self.tree.interface.new_socket(
                "Geometry", in_out=direction, socket_type="NodeSocketGeometry"
            )
        points = self._node("NodeGroupInput").outputs[0]
        colored = self._store(points, self._color(self._is_inside()))
        bodies = self._bodies(colored, radius)
        both = self._node("GeometryNodeJoinGeometry")
        self._link(bodies, both.inputs[0])
        self._link(colored, both.inputs[0])  # it brings the name of the colours that are shown
        whole = self._node("GeometryNodeRealizeInstances")
        self._link(both.outputs[0], whole.inputs[0])
        seen = self._without_loose(whole.outputs[0])
        shown = self._node("GeometryNodeSetMaterial")
        shown.inputs["Material"].default_value = coloured_mesh.material()
        self._link(seen, shown.inputs[0])
        self._link(shown.outputs[0], self._node("NodeGroupOutput").inputs[0])

    def _bodies(self, points: NodeSocket, radius: float) -> NodeSocket:
        body = self._node("GeometryNodeMeshIcoSphere")
        body.inputs["Radius"].default_value = radius
        body.inputs["Subdivisions"].default_value = 1
        instances = self._node("GeometryNodeInstanceOnPoints")
        self._link(points, instances.inputs["Points"])
        self._link(body.outputs["Mesh"], instances.inputs["Instance"])
        return instances.outputs[0]

    def _without_loose(self, mesh: NodeSocket) -> NodeSocket:
        """Blender draws a black dot over each loose vertex."""
        neighbours = self._node("GeometryNodeInputMeshVertexNeighbors")
        drop = self._node("GeometryNodeDeleteGeometry")
        drop.domain = "POINT"
        self._link(mesh, drop.inputs["Geometry"])
        is_loose = self._math("LESS_THAN", neighbours.outputs["Vertex Count"], 0.5)
        self._link(is_loose, drop.inputs["Selection"])
        return drop.outputs[0]

    def _store(self, points: NodeSocket, color: NodeSocket) -> NodeSocket:
        store = self._node("GeometryNodeStoreNamedAttribute")
        store.data_type, store.domain = "FLOAT_COLOR", "POINT"
        store.inputs["Name"].default_value = coloured_mesh.COLORS
        self._link(points, store.inputs["Geometry"])
        self._link(color, _input(store, "Value", "RGBA"))
        return store.outputs[0]

    def _color(self, is_inside: NodeSocket) -> NodeSocket:
        own = self._node("GeometryNodeInputNamedAttribute")
        own.data_type = "FLOAT_COLOR"
        own.inputs["Name"].default_value = coloured_mesh.COLORS
        mix = self._node("ShaderNodeMix")
        mix.data_type = "RGBA"
        _input(mix, "A", "RGBA").default_value = GREY
        self._link(_output(own, "RGBA"), _input(mix, "B", "RGBA"))
        self._link(is_inside, mix.inputs[0])
        return _output(mix, "RGBA")

    def _is_inside(self) -> NodeSocket:
        """1 inside the region, and everywhere while there is none; else 0."""
        cube, ball = self._distances()
        kind = self._value("Display Type", 0.0)
        is_ball = self._math("GREATER_THAN", kind, SPHERE_AFTER)
        far = self._math(
            "ADD", cube, self._math("MULTIPLY", is_ball, self._math("SUBTRACT", ball, cube))
        )
        outside = self._math("GREATER_THAN", far, self._value("Display Size", 1.0))
        counted = self._math("MULTIPLY", outside, self._value("Is Compared", 0.0))
        return self._math("SUBTRACT", 1.0, counted)

    def _distances(self) -> tuple[NodeSocket, NodeSocket]:
        """|p|_inf and |p|_2."""
        region = self._node("GeometryNodeObjectInfo", "Region")
        region.transform_space = "RELATIVE"
        inverse = self._node("FunctionNodeInvertMatrix")
        self._link(region.outputs["Transform"], inverse.inputs[0])
        place = self._node("FunctionNodeTransformPoint")
        self._link(self._node("GeometryNodeInputPosition").outputs[0], place.inputs[0])
        self._link(inverse.outputs[0], place.inputs[1])
        length = self._node("ShaderNodeVectorMath")
        length.operation = "LENGTH"
        self._link(place.outputs[0], length.inputs[0])
        parts = self._node("ShaderNodeSeparateXYZ")
        self._link(place.outputs[0], parts.inputs[0])
        x, y, z = (self._math("ABSOLUTE", part) for part in parts.outputs)
        return self._math("MAXIMUM", self._math("MAXIMUM", x, y), z), length.outputs["Value"]

    def _math(self, operation: str, *values: NodeSocket | float) -> NodeSocket:
        node = self._node("ShaderNodeMath")
        node.operation = operation
        for socket, value in zip(node.inputs, values, strict=False):
            if isinstance(value, float):
                socket.default_value = value
            else:
                self._link(value, socket)
        return node.outputs[0]

    def _value(self, name: str, value: float) -> NodeSocket:
        node = self._node("ShaderNodeValue", name)
        node.outputs[0].default_value = value
        return node.outputs[0]

    def _node(self, kind: str, name: str = "") -> Node:
        node = self.tree.nodes.new(kind)
        if name:
            node.name = node.label = name
        node.location = (180.0 * (len(self.tree.nodes) % 8), -160.0 * (len(self.tree.nodes) // 8))
        return node

    def _link(self, source: NodeSocket, target: NodeSocket) -> None:
        self.tree.links.new(source, target)


def _input(node: Node, name: str, kind: str) -> NodeSocket:
    return next(each for each in node.inputs if each.name == name and each.type == kind)


def _output(node: Node, kind: str) -> NodeSocket:
    return next(each for each in node.outputs if each.type == kind)
