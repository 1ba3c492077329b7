# SPDX-License-Identifier: GPL-3.0-or-later
"""The shapes of the built-in world as triangles, made once from their distances.

It must not know words or cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import fast_simplification
import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from .shapes import SHAPES, Body, Part, Shape
from .vocabulary import COLORS

SPACING = 0.02
"""Of the lattice, in a thing's own frame: an eighth of a pixel of 64."""
TRIANGLES = 900
"""Of a part, at most."""
CREASE = 0.94
"""Cosine between a face and the distance's slope below which an edge stays sharp."""
STEP = 1e-3
OWN = -1
"""In `color`: the thing's."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShapeMesh:
    """All parts of a shape."""

    positions: NDArray[Any]
    """(V, 3) float32, the thing's own frame."""
    triangles: NDArray[Any]
    """(T, 3) int64"""
    normals: NDArray[Any]
    """(T, 3, 3) float32: of each triangle's corners."""
    color: NDArray[Any]
    """(T,) int64: index of a colour, or `OWN`."""


@cache
def mesh_of(name: str) -> ShapeMesh:
    """The triangles of a shape."""
    shape = SHAPES[name]
    meshes = [_part(part, shape) for part in shape.parts]
    starts = np.cumsum([0, *(len(mesh.positions) for mesh in meshes)])
    return ShapeMesh(
        positions=np.concatenate([mesh.positions for mesh in meshes]),
        triangles=np.concatenate(
            [mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]
        ),
        normals=np.concatenate([mesh.normals for mesh in meshes]),
        color=np.concatenate([mesh.color for mesh in meshes]),
    )


def _part(part: Part, shape: Shape) -> ShapeMesh:
    axes = _axes(shape.radius, shape.height)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    values = part.body(grid.reshape(-1, 3)).reshape(grid.shape[:3])
    corners, faces, *_ = marching_cubes(values, 0.0, spacing=(SPACING,) * 3)
    corners = corners + np.array([axis[0] for axis in axes])
    if len(faces) > TRIANGLES:
        share = 1.0 - TRIANGLES / len(faces)
        corners, faces = fast_simplification.simplify(
            corners.astype(np.float32), faces.astype(np.int32), share
        )
    normals = _normals(part.body, np.asarray(corners, dtype=np.float64), faces)
    color = OWN if not part.color else COLORS.index(part.color)
    return ShapeMesh(
        positions=np.asarray(corners, dtype=np.float32),
        triangles=faces.astype(np.int64),
        normals=normals.astype(np.float32),
        color=np.full(len(faces), color),
    )


def _axes(radius: float, height: float) -> list[NDArray[Any]]:
    wide = np.arange(-radius - 2.5 * SPACING, radius + 3.0 * SPACING, SPACING)
    return [wide, wide, np.arange(-2.5 * SPACING, height + 3.0 * SPACING, SPACING)]


def _normals(body: Body, corners: NDArray[Any], faces: NDArray[Any]) -> NDArray[Any]:
    """(T, 3, 3): the distance's slope at each corner, or the face's where they disagree."""
    a, b, c = (corners[faces[:, k]] for k in range(3))
    flat = np.cross(b - a, c - a)
    flat /= np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-12)  # of a sliver: any
    taps = [body(corners + STEP * axis) - body(corners - STEP * axis) for axis in np.eye(3)]
    slope = np.stack(taps, axis=-1)
    slope /= np.maximum(np.linalg.norm(slope, axis=-1, keepdims=True), 1e-12)
    smooth, face = slope[faces], np.repeat(flat[:, None], 3, axis=1)
    agree = (smooth * face).sum(axis=-1, keepdims=True) > CREASE
    return np.where(agree, smooth, face)
