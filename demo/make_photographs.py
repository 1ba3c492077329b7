# SPDX-License-Identifier: GPL-3.0-or-later
"""Photographs of the jug on a table: `python -m demo.make_photographs OUT`, inside a bpy module.

What a person would bring: a folder of JPEGs taken by hand in two rounds, with the table and the
wall in them, and one of something else. Nothing is written about the cameras.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from math import cos, pi, radians, sin
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix, Vector

from benchmarks import solids, studio
from benchmarks.paint import Colour, Nodes, matt
from demo import jug

WIDTH, HEIGHT, SAMPLES = 800, 600, 5
SEED = 3
ROUNDS = ((15, 20.0, 5.4), (9, 47.0, 5.2))
"""Photographs, degrees above the table, metres from the jug."""
STRAY = Vector((6.0, 5.0, 0.5)), Vector((7.0, 6.5, -3.0))
"""Place and aim of the shot that went off by itself."""
MIDDLE = Vector((-0.1, 0.0, 0.0))
LENS = 36.0
"""Millimetres on a 36 mm sensor: a telephone's second lens."""
TABLE = 2.6
"""Radius of its top, metres."""
FOOT = -1.0
"""Where the jug stands."""

OAK: tuple[Colour, ...] = ((0.16, 0.075, 0.03), (0.33, 0.18, 0.08), (0.42, 0.25, 0.12))
LINEN: tuple[Colour, ...] = ((0.1, 0.17, 0.2), (0.62, 0.58, 0.48), (0.45, 0.16, 0.1))
STONE: tuple[Colour, ...] = ((0.13, 0.12, 0.12), (0.3, 0.29, 0.27))


def make(out: Path, width: int, samples: int) -> None:
    """Lay the table, walk round it twice and once look elsewhere."""
    scene = studio.empty_studio(studio.Shoot(size=width, samples=samples))
    scene.render.resolution_y = width * HEIGHT // WIDTH
    scene.render.film_transparent = False
    scene.render.image_settings.file_format = "JPEG"
    scene.render.image_settings.color_mode = "RGB"
    scene.render.image_settings.quality = 92
    jug.make()
    _furnish()
    studio.soft_light(radius=1.2, ambient=0.6)
    bpy.data.objects.remove(bpy.data.objects["Under"])  # it lies below the table
    out.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(SEED)
    places = [place for number, rise, away in ROUNDS for place in _round(number, rise, away)]
    for index, place in enumerate(places, start=1):
        shaken = place + Vector(rng.normal(0.0, 0.09, 3))
        aim = MIDDLE + Vector(rng.normal(0.0, 0.06, 3))
        _photograph(out / f"IMG_{index:04}.jpg", shaken, aim, float(rng.normal(0.0, 0.03)))
    _photograph(out / f"IMG_{len(places) + 1:04}.jpg", *STRAY, 0.0)


def _round(number: int, rise: float, away: float) -> list[Vector]:
    """Places on a circle so many degrees above the middle."""
    up, flat = away * sin(radians(rise)), away * cos(radians(rise))
    turns = (2.0 * pi * (index + rise / 90.0) / number for index in range(number))
    return [MIDDLE + Vector((flat * cos(turn), flat * sin(turn), up)) for turn in turns]


def _photograph(path: Path, place: Vector, aim: Vector, roll: float) -> None:
    data = bpy.data.cameras.new(path.stem)
    data.lens = LENS
    camera = bpy.data.objects.new(path.stem, data)
    turn = (aim - place).to_track_quat("-Z", "Y")
    camera.rotation_euler = turn.to_euler()
    camera.rotation_euler.rotate_axis("Z", roll)
    camera.location = place
    scene = bpy.context.scene
    scene.collection.objects.link(camera)
    scene.camera, scene.render.filepath = camera, str(path)
    bpy.ops.render.render(write_still=True)


def _furnish() -> None:
    """An oak table with a cloth across it, on a stone floor, before an uneven wall."""
    solids.prism(96, TABLE, 0.1, Matrix.Translation((0, 0, FOOT - 0.056))).data.materials.append(
        matt("Oak", _oak, roughness=0.55)
    )
    cloth = solids.box((1.9, 3.9, 0.006), (0.0, 0.0, FOOT - 0.003), (0.0, 0.0, 0.4))
    cloth.data.materials.append(matt("Linen", _linen, roughness=0.9))
    floor = solids.box((30.0, 30.0, 0.1), (0.0, 0.0, FOOT - 2.0), (0.0, 0.0, 0.0))
    floor.data.materials.append(matt("Stone", _stone, roughness=0.9))


def _oak(nodes: Nodes) -> bpy.types.NodeSocket:
    """Planks with their grain."""
    long = nodes.add("Mapping", {"Vector": nodes.position(), "Scale": (1.2, 14.0, 1.0)})
    grain = nodes.ramp(nodes.noise(long.outputs[0], 2.2, 8.0), OAK, 0.3, 0.75)
    across = nodes.math(
        "FRACT", nodes.math("MULTIPLY", nodes.component(nodes.position(), "Y"), 2.2)
    )
    return nodes.mix(nodes.within(across, 0.0, 0.012), grain, (0.03, 0.015, 0.01, 1.0))


def _linen(nodes: Nodes) -> bpy.types.NodeSocket:
    """Stripes along the hems, and a weave that is nowhere quite the same."""
    where = nodes.position()
    weave = nodes.ramp(nodes.noise(where, 22.0, 6.0), LINEN[:2], 0.25, 0.7)
    edge = nodes.math("ABSOLUTE", nodes.component(where, "Y"))
    blotches = nodes.within(nodes.component(nodes.cells(where, 7.0), "X"), 0.0, 0.22)
    woven = nodes.mix(nodes.math("MULTIPLY", blotches, 0.6), weave, (*LINEN[2], 1.0))
    return nodes.mix(nodes.within(edge, 1.5, 1.65), woven, (*LINEN[2], 1.0))


def _stone(nodes: Nodes) -> bpy.types.NodeSocket:
    return nodes.ramp(nodes.noise(nodes.position(), 1.2, 6.0), STONE, 0.3, 0.7)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--width", type=int, default=WIDTH, help="pixels")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="Cycles samples a pixel")
    options = parser.parse_args(arguments)
    make(options.out.resolve(), options.width, options.samples)


if __name__ == "__main__":
    main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(0)  # the interpreter of a bpy module may hang while it ends
