# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing of the world: its distance, its colours and its triangles, brought to one size.

Everything that is learned stands in the cube [-1, 1]³, Z up, its front towards -Y, its box about
the origin and as long as `LONGEST` along its longest side. The same family and number give the same
thing everywhere. It must not know pictures or files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Float
from lightkiln_shared.geometry import TriangleMesh
from numpy.random import Generator
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from lightkiln.ops.colors import linear_from_srgb

from .families import FAMILIES, Piece

VERSION = 1
"""Of the world: another one draws other things by the same numbers."""
LONGEST = 1.8
"""A tenth of the cube is left free around a thing (the padding of Mescheder et al. 2019)."""
ROOM = ((-1.25, 1.25), (-1.25, 1.25), (0.0, 2.0))
"""Every family stays within; its own frame."""
FIND = 0.05
"""Steps of the lattice by which a thing's box is found, in that frame."""
SIDE, BLOCK = 64, 8
"""Cells of the lattice of which its triangles are made, and of a block of it."""
HUES = 3


@dataclass(frozen=True, eq=False)
class Thing:
    """A thing in the cube."""

    family: str
    number: int
    pieces: tuple[Piece, ...]
    colors: NDArray[Any]
    """(HUES, 3) sRGB in [0, 1]."""
    centre: NDArray[Any]
    """(3,) of its box, in its family's frame."""
    scale: float
    """Of the cube's units in one of the family's."""

    def distance(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], " n"]:
        """Signed, negative inside; near the surface, true (elsewhere a bound: Hart 1996)."""
        own = x / self.scale + self.centre
        return np.asarray(
            self.scale * np.minimum.reduce([piece.body(own) for piece in self.pieces])
        )

    def color(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """sRGB of the nearest body."""
        own = x / self.scale + self.centre
        nearest = np.stack([piece.body(own) for piece in self.pieces]).argmin(axis=0)
        return np.asarray(self.colors[np.array([piece.color for piece in self.pieces])[nearest]])

    @cached_property
    def lattice(self) -> Float[NDArray[Any], "side side side"]:
        """The distance at the middles of `SIDE`³ cells, x, y, z; far from the surface that of a
        block's middle, for a distance that is never too large cannot change its sign nearby."""
        blocks = SIDE // BLOCK
        middle = self.distance(centres(blocks)).reshape((blocks,) * 3)
        values = middle.repeat(BLOCK, 0).repeat(BLOCK, 1).repeat(BLOCK, 2)
        near = np.abs(values) < np.sqrt(3.0) / blocks
        values[near] = self.distance(centres(SIDE).reshape(SIDE, SIDE, SIDE, 3)[near])
        return np.asarray(values)

    @cached_property
    def mesh(self) -> TriangleMesh:
        """Its surface, with linear colours and normals of the distance."""
        corners, triangles, *_ = marching_cubes(self.lattice, 0.0)
        positions = (corners + 0.5) * (2.0 / SIDE) - 1.0
        return TriangleMesh(
            positions=positions.astype(np.float32),
            triangles=triangles.astype(np.int32),
            normals=self.normals(positions).astype(np.float32),
            colors=linear_from_srgb(self.color(positions)).astype(np.float32),
        )

    def normals(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """Unit slope of the distance, by central differences."""
        step = 1e-3 * np.eye(3)
        slope = np.stack([self.distance(x + e) - self.distance(x - e) for e in step], axis=-1)
        return np.asarray(slope / np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-9))


def thing(family: str, number: int) -> Thing:
    """The thing of that number."""
    draw = np.random.default_rng([VERSION, list(FAMILIES).index(family), number])
    pieces = tuple(FAMILIES[family](draw))
    low, high = _box(pieces)
    return Thing(
        family=family,
        number=number,
        pieces=pieces,
        colors=_colors(draw),
        centre=0.5 * (low + high),
        scale=LONGEST / float((high - low).max()),
    )


def centres(side: int) -> Float[NDArray[Any], "n 3"]:
    """Middles of the cube's `side`³ cells, the last axis fastest."""
    steps = (np.arange(side) + 0.5) * (2.0 / side) - 1.0
    return np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)


def _box(pieces: tuple[Piece, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lower and upper corner; half a step more on each side than what the lattice met."""
    axes = [np.arange(low, high, FIND) + 0.5 * FIND for low, high in ROOM]
    lattice = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    near = np.minimum.reduce([piece.body(lattice) for piece in pieces]) < 0.5 * FIND
    return lattice[near].min(axis=0), lattice[near].max(axis=0)


def _colors(draw: Generator) -> NDArray[Any]:
    """A colour, another, and a dark one."""
    bright = draw.uniform(0.1, 0.95, (HUES, 3))
    bright[2] *= 0.4
    return bright
