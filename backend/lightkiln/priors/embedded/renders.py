# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the built-in world: what the prior learns from.

A picture is RGB times alpha, and alpha; each pixel is the mean of `FINER`² samples. Cameras look at
the origin, Z up, as `prior.Viewpoints` says. It must not know words or networks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8
from numba import njit
from numpy.typing import NDArray

from lightkiln.mesh.zbuffer import draw
from lightkiln.priors.manifest import Style

from .light import AMBIENT, DIFFUSE, LAMP
from .manifest import DISTANCE, FOV, SIZE, STYLES
from .meshes import OWN, mesh_of
from .paint import SECOND, TABLE, is_second
from .scenery import Arrangement, Placed
from .vocabulary import COLORS, MATERIALS

FINER = 2
SHADED, TEXTURELESS = STYLES.index(Style.SHADED), STYLES.index(Style.TEXTURELESS)
SHINY, METALLIC = MATERIALS.index("shiny"), MATERIALS.index("metallic")
GLOSS, GLOSS_POWER = 0.6, 24.0
"""Of the lamp's reflection (Blinn 1977) on shiny things; metal has a wider one of its colour."""


class Triangles(NamedTuple):
    """A whole arrangement, as the kernels read it."""

    positions: NDArray[Any]
    """(V, 3)"""
    own: NDArray[Any]
    """(V, 3): the vertices in their thing's own frame."""
    corners: NDArray[Any]
    """(T, 3)"""
    normals: NDArray[Any]
    """(T, 3, 3) of each triangle's corners."""
    color: NDArray[Any]
    """(T,)"""
    material: NDArray[Any]
    """(T,)"""


def render(
    arrangement: Arrangement, azimuth: float, elevation: float, style: Style, size: int = SIZE
) -> UInt8[NDArray[Any], "size size 4"]:
    """One picture; angles in radians."""
    things, side, turn = _together(arrangement), size * FINER, camera_axes(azimuth, elevation)
    local = things.positions @ turn.T
    depth = DISTANCE - local[:, 2]
    focal = 0.5 * side / np.tan(0.5 * FOV)
    pixels = 0.5 * side + focal * local[:, :2] * [1.0, -1.0] / depth[:, None]
    nearest = np.full((side, side), np.inf, dtype=np.float32)
    triangle = np.full((side, side), -1, dtype=np.int32)
    shares = np.zeros((side, side, 3), dtype=np.float32)
    draw(pixels, depth, things.corners, nearest, triangle, shares)
    fine = np.zeros((side, side, 4), dtype=np.float32)
    seen = things._replace(normals=(things.normals @ turn.T).astype(np.float32))
    _shade(triangle, shares, seen, STYLES.index(style), fine)
    mean = fine.reshape(size, FINER, size, FINER, 4).mean(axis=(1, 3))
    return np.asarray(np.rint(255.0 * np.clip(mean, 0.0, 1.0)), dtype=np.uint8)


def camera_axes(azimuth: float, elevation: float) -> NDArray[Any]:
    """Rows (3, 3): the camera's right, up and backwards in the world."""
    ca, sa, ce, se = np.cos(azimuth), np.sin(azimuth), np.cos(elevation), np.sin(elevation)
    return np.array([[ca, sa, 0.0], [-se * sa, se * ca, ce], [ce * sa, -ce * ca, se]])


def _together(arrangement: Arrangement) -> Triangles:
    each = [_placed(placed) for placed in arrangement]
    starts = np.cumsum([0, *(len(one.positions) for one in each)])
    moved = [
        one._replace(corners=one.corners + start) for one, start in zip(each, starts, strict=False)
    ]
    return Triangles(*(np.concatenate(column) for column in zip(*moved, strict=True)))


def _placed(placed: Placed) -> Triangles:
    mesh, thing = mesh_of(placed.thing.shape), placed.thing
    is_own = mesh.color == OWN
    return Triangles(
        positions=mesh.positions * placed.stretch + placed.place,
        own=mesh.positions,
        corners=mesh.triangles,
        normals=mesh.normals / placed.stretch,
        color=np.where(is_own, COLORS.index(thing.color), mesh.color),
        material=np.where(is_own, MATERIALS.index(thing.material), 0),
    )


@njit(cache=True)
def _shade(
    triangle: NDArray[Any], shares: NDArray[Any], seen: Triangles, style: int, out: NDArray[Any]
) -> None:
    """Write what is seen at each sample into `out` (H, W, 4); normals are in camera axes."""
    n, x = np.empty(3, np.float32), np.empty(3, np.float32)
    for row in range(triangle.shape[0]):
        for column in range(triangle.shape[1]):
            index = triangle[row, column]
            if index < 0:
                continue
            _mixed(seen, index, shares[row, column], n, x)
            rgb = out[row, column]
            rgb[3] = 1.0
            if style == TEXTURELESS:
                rgb[:3] = 0.5 + 0.5 * n
                continue
            color, material = seen.color[index], seen.material[index]
            rgb[:3] = SECOND[color] if is_second(material, x[0], x[1], x[2]) else TABLE[color]
            if style == SHADED:
                _light(n, material, rgb)


@njit(cache=True)
def _mixed(
    seen: Triangles, index: int, shares: NDArray[Any], n: NDArray[Any], x: NDArray[Any]
) -> None:
    """Write the normal (3,) and the place in the thing's own frame (3,) at a point."""
    n[:], x[:] = 0.0, 0.0
    for corner in range(3):
        share, vertex = shares[corner], seen.corners[index, corner]
        for axis in range(3):
            n[axis] += share * seen.normals[index, corner, axis]
            x[axis] += share * seen.own[vertex, axis]
    # Normals of opposite corners of a sliver may cancel out.
    n /= max(np.sqrt(n[0] ** 2 + n[1] ** 2 + n[2] ** 2), np.float32(1e-6))


@njit(cache=True)
def _light(n: NDArray[Any], material: int, rgb: NDArray[Any]) -> None:
    """Light a colour (4,) whose first three are its own."""
    lit = max(n[0] * LAMP[0] + n[1] * LAMP[1] + n[2] * LAMP[2], 0.0)
    half = np.sqrt(LAMP[0] ** 2 + LAMP[1] ** 2 + (LAMP[2] + 1.0) ** 2)
    along = max((n[0] * LAMP[0] + n[1] * LAMP[1] + n[2] * (LAMP[2] + 1.0)) / half, 0.0)
    if material == METALLIC:
        for c in range(3):
            rgb[c] *= 0.2 + 0.6 * lit**2 + GLOSS * along ** (0.5 * GLOSS_POWER)
    else:
        gloss = GLOSS * along**GLOSS_POWER if material == SHINY else 0.0
        for c in range(3):
            rgb[c] = rgb[c] * (AMBIENT + DIFFUSE * lit) + gloss
