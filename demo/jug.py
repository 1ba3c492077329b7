# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's sample: a painted jug. Runs inside a bpy module; nothing is loaded.

It has what is hard to reconstruct: a hole (its handle), a thin part (its rim and lip), a cavity and
flutes. It must not know how it is photographed.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, exp, pi

import bpy

from benchmarks import solids
from benchmarks.paint import Nodes, matt

# (radius, height) of the turned body from the foot to the rim, metres
BODY = (
    (0.44, -1.0),
    (0.5, -0.97),
    (0.49, -0.88),
    (0.66, -0.68),
    (0.82, -0.34),
    (0.8, 0.0),
    (0.6, 0.34),
    (0.43, 0.56),
    (0.4, 0.72),
    (0.45, 0.88),
    (0.53, 1.0),
)
# (x, z) along the handle, from the neck to the belly
HANDLE = ((-0.38, 0.74), (-0.7, 0.9), (-1.02, 0.78), (-1.14, 0.42), (-1.04, 0.06), (-0.74, -0.16))
WALL = 0.045
NUM_FLUTES = 12

CREAM, COBALT, RUST, GOLD = (
    (0.78, 0.7, 0.52),
    (0.025, 0.08, 0.3),
    (0.5, 0.11, 0.035),
    (0.72, 0.42, 0.08),
)
TEAL, CLAY = (0.04, 0.28, 0.29), (0.42, 0.19, 0.1)


def make() -> bpy.types.Object:
    """Turn, flute, join and hollow the jug."""
    outline = solids.spline(BODY, 12)
    jug = _vessel("Jug", outline, matt("Glaze", glaze, roughness=0.45))
    handle = solids.sweep("Handle", solids.spline(HANDLE, 10), (0.075, 0.1))
    handle.data.materials.append(matt("Handle", handle_glaze, roughness=0.45))
    hollow = [(radius - WALL, height) for radius, height in outline if height > -0.86]
    cavity = _vessel("Cavity", [*hollow, (hollow[-1][0], 1.3)], matt("Inside", inside))
    solids.combine(jug, "UNION", [handle])
    solids.combine(jug, "DIFFERENCE", [cavity])
    return solids.smoothed(jug)


def _vessel(
    name: str, outline: Sequence[Sequence[float]], material: bpy.types.Material
) -> bpy.types.Object:
    vessel = solids.lathe(name, outline, _bend, segments=192)
    vessel.data.materials.append(material)
    return vessel


def _bend(turn: float, radius: float, height: float) -> tuple[float, float]:
    """Flute the belly; draw the rim out to a pouring lip towards +X."""
    belly = exp(-(((height + 0.3) / 0.36) ** 2))
    front = exp(-((((turn + pi) % (2 * pi) - pi) / 0.42) ** 2))
    rim = max(0.0, (height - 0.62) / 0.38) ** 2
    flute = 1.0 + 0.035 * belly * cos(NUM_FLUTES * turn)
    return radius * flute + 0.2 * front * min(rim, 1.3), height + 0.07 * front * min(rim, 1.3)


def glaze(nodes: Nodes) -> bpy.types.NodeSocket:
    """Bands from the foot up: bare clay, leaves on the flutes, a chain of dots, chevrons, rim."""
    where = nodes.position()
    height = nodes.component(where, "Z")
    wobble = nodes.math(
        "MULTIPLY_ADD", nodes.noise(where, 5.0, 0.0), 0.05, -0.025
    )  # a brush's hand
    height = nodes.math("ADD", height, wobble)
    turn = nodes.math("ARCTAN2", nodes.component(where, "Y"), nodes.component(where, "X"))
    turn = nodes.math("DIVIDE", turn, 2 * pi)
    colour = _rgba(CREAM)
    for mask, painted in (
        (_leaf(nodes, turn, height, 0.46, 0.86), COBALT),
        (_leaf(nodes, turn, height, 0.37, 0.6), CREAM),
        (_leaf(nodes, turn, height, 0.27, 0.42), RUST),
        (nodes.within(height, 0.24, 0.42), COBALT),
        (_dots(nodes, turn, height, 24, 0.33, 0.045), GOLD),
        (_chevrons(nodes, turn, height), TEAL),
        (nodes.within(height, 0.2, 0.235), RUST),
        (nodes.within(height, 0.425, 0.455), RUST),
        (nodes.within(height, 0.86, 2.0), COBALT),
        (nodes.within(height, 0.82, 0.855), RUST),
        (_dots(nodes, turn, height, 20, 0.92, 0.03), GOLD),
        (nodes.within(height, -2.0, -0.78), CLAY),
        (nodes.within(height, -0.79, -0.75), COBALT),
    ):
        colour = nodes.mix(mask, colour, _rgba(painted))
    return _speckled(nodes, where, colour)


def handle_glaze(nodes: Nodes) -> bpy.types.NodeSocket:
    """Rings around the handle, evenly by the angle about its loop's middle."""
    where = nodes.position()
    up = nodes.math("SUBTRACT", nodes.component(where, "Z"), 0.34)
    out = nodes.math("ADD", nodes.component(where, "X"), 0.62)
    phase = nodes.math("FRACT", nodes.math("MULTIPLY", nodes.math("ARCTAN2", up, out), 5.5))
    stripes = nodes.mix(nodes.within(phase, 0.0, 0.45), _rgba(CREAM), _rgba(COBALT))
    stripes = nodes.mix(nodes.within(phase, 0.2, 0.27), stripes, _rgba(GOLD))
    return _speckled(nodes, where, stripes)


def inside(nodes: Nodes) -> bpy.types.NodeSocket:
    """A celadon lining with drips."""
    where = nodes.position()
    lining = nodes.ramp(
        nodes.noise(where, 6.0, 1.0), [(0.12, 0.36, 0.32), (0.5, 0.62, 0.5)], 0.3, 0.7
    )
    return _speckled(nodes, where, lining)


def _leaf(
    nodes: Nodes,
    turn: bpy.types.NodeSocket,
    height: bpy.types.NodeSocket,
    half: float,
    width: float,
) -> bpy.types.NodeSocket:
    """1 inside a pointed leaf on each flute: `half` its height, `width` its share of a flute."""
    up = nodes.math("DIVIDE", nodes.math("ADD", height, 0.28), half)
    room = nodes.math("SUBTRACT", 1.0, nodes.math("MULTIPLY", up, up))
    return nodes.math(
        "LESS_THAN", _across(nodes, turn, NUM_FLUTES), nodes.math("MULTIPLY", room, width)
    )


def _dots(
    nodes: Nodes,
    turn: bpy.types.NodeSocket,
    height: bpy.types.NodeSocket,
    count: int,
    middle: float,
    radius: float,
) -> bpy.types.NodeSocket:
    """1 inside round dots on a band; `radius` in metres of height."""
    flat = nodes.math("MULTIPLY", _across(nodes, turn, count), 1.6 / count)
    up = nodes.math("SUBTRACT", height, middle)
    square = nodes.math("MULTIPLY_ADD", up, up, nodes.math("MULTIPLY", flat, flat))
    return nodes.math("LESS_THAN", square, radius**2)


def _chevrons(
    nodes: Nodes, turn: bpy.types.NodeSocket, height: bpy.types.NodeSocket
) -> bpy.types.NodeSocket:
    """1 on zigzag stripes about the neck."""
    rise = nodes.math("MULTIPLY", _across(nodes, turn, 12), 0.5)
    phase = nodes.math("FRACT", nodes.math("MULTIPLY_ADD", height, 8.0, rise))
    stripe = nodes.within(phase, 0.0, 0.5)
    return nodes.math("MULTIPLY", stripe, nodes.within(height, 0.455, 0.82))


def _across(nodes: Nodes, turn: bpy.types.NodeSocket, count: int) -> bpy.types.NodeSocket:
    """Distance from the middle of each of `count` fields about the axis: 0 there, 1 at its edge."""
    shifted = nodes.math("MULTIPLY_ADD", turn, float(count), count + 0.5)
    centred = nodes.math("SUBTRACT", nodes.math("FRACT", shifted), 0.5)
    return nodes.math("MULTIPLY", nodes.math("ABSOLUTE", centred), 2.0)


def _speckled(
    nodes: Nodes, where: bpy.types.NodeSocket, colour: bpy.types.NodeSocket
) -> bpy.types.NodeSocket:
    """Iron spots and clouds, as a kiln leaves them in a glaze."""
    clouds = nodes.ramp(nodes.noise(where, 9.0, 2.0), [(0.55, 0.5, 0.45), (1, 1, 1)], 0.3, 0.62)
    spots = nodes.ramp(nodes.noise(where, 30.0, 1.0), [(0.35, 0.27, 0.2), (1, 1, 1)], 0.33, 0.45)
    return nodes.mix(0.75, nodes.mix(0.8, colour, clouds, "MULTIPLY"), spots, "MULTIPLY")


def _rgba(colour: tuple[float, float, float]) -> tuple[float, float, float, float]:
    return (*colour, 1.0)
