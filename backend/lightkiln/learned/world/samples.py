# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is learned of one thing: pictures, voxels, distances and points of its surface.

Half of the places with distances lie about the surface, half anywhere in the cube, and as many
inside as the thing allows: without those a clamped distance teaches "all is outside" (Park et al.
2019 draw halves too). It must not know files or networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, UInt8
from lightkiln_shared.camera import Camera
from lightkiln_shared.geometry import TriangleMesh
from numpy.random import Generator
from numpy.typing import NDArray

from lightkiln.mesh.rasterize import shade
from lightkiln.mesh.turntable import camera_around
from lightkiln.metrics.closest import sample

from .families import FAMILIES
from .things import SIDE, VERSION, centres

RADIUS = 1.3
"""Of the ball that a picture shows whole, in the cube's units."""
LOWEST, HIGHEST = -0.1, 0.7
"""Radians above the horizon."""
NEAR = 0.06
"""Standard deviation of places about the surface, in the cube's units."""


@runtime_checkable
class Solid(Protocol):
    """A thing in the cube: of the procedural world, or a mesh of somebody's."""

    @property
    def family(self) -> str: ...

    @property
    def number(self) -> int: ...

    @property
    def mesh(self) -> TriangleMesh:
        """With linear colours and normals."""

    @property
    def lattice(self) -> Float[NDArray[Any], "side side side"]:
        """The distance at the middles of `SIDE`³ cells: in sign everywhere."""

    def distance(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], " n"]:
        """Signed, negative inside."""

    def normals(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """Of the surface nearby."""

    def color(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """sRGB of the surface nearby."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """How much is kept of each thing."""

    views: int = 8
    pixels: int = 64
    places: int = 4096
    surface: int = 2048


def samples(thing: Solid, amounts: Amounts) -> dict[str, NDArray[Any]]:
    """Arrays by their names in a shard; see `shards.Things`. The pictures are ours."""
    kept = shape_of(thing, amounts)
    views = [_picture(thing.mesh, each, amounts.pixels) for each in kept["angles"]]
    return {**kept, "views": np.stack(views)}


def shape_of(thing: Solid, amounts: Amounts) -> dict[str, NDArray[Any]]:
    """The same without pictures, and from where these are to be."""
    known = list(FAMILIES)
    family = known.index(thing.family) if thing.family in known else len(known)
    draw = np.random.default_rng([VERSION, family, thing.number, 1])
    angles = np.stack(
        [
            draw.uniform(0.0, 2.0 * np.pi, amounts.views),
            draw.uniform(LOWEST, HIGHEST, amounts.views),
        ],
        axis=-1,
    )
    surface = sample(thing.mesh, amounts.surface, seed=thing.number).points
    places = _places(thing, surface, amounts.places, draw)
    return {
        "angles": angles.astype(np.float32),
        "voxels32": np.packbits(voxels(thing, 32)),
        "voxels64": np.packbits(voxels(thing, 64)),
        "places": places.astype(np.float32),
        "distances": thing.distance(places).astype(np.float32),
        "surface": surface.astype(np.float32),
        "normals": thing.normals(surface).astype(np.float32),
        "colors": np.rint(255.0 * thing.color(surface)).astype(np.uint8),
    }


def camera_of(angles: Float[NDArray[Any], " 2"], pixels: int) -> Camera:
    """The camera of a picture: azimuth (0 sees the front, from -Y) and elevation, radians."""
    return camera_around(np.zeros(3), RADIUS, float(angles[0]), float(angles[1]), pixels)


def voxels(thing: Solid, side: int) -> Bool[NDArray[Any], "side side side"]:
    """Cells whose middle is inside; x, y, z."""
    if side == SIDE:
        return np.asarray(thing.lattice < 0.0)
    return np.asarray(thing.distance(centres(side)) < 0.0).reshape((side,) * 3)


def _picture(
    mesh: TriangleMesh, angles: NDArray[Any], pixels: int
) -> UInt8[NDArray[Any], "pixels pixels 4"]:
    return shade(mesh, camera_of(angles, pixels), lit=True)


def _places(
    thing: Solid, surface: NDArray[Any], count: int, draw: Generator
) -> Float[NDArray[Any], "count 3"]:
    """Half about the surface; of the others half inside, if so many are found."""
    about = surface[draw.integers(len(surface), size=count // 2)]
    about = about + NEAR * draw.standard_normal(about.shape)
    anywhere = draw.uniform(-1.0, 1.0, (8 * count, 3))
    inside = anywhere[thing.distance(anywhere) < 0.0][: count // 4]
    others = anywhere[: count - len(about) - len(inside)]
    return np.asarray(np.clip(np.concatenate([about, inside, others]), -1.0, 1.0))
