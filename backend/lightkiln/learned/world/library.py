# SPDX-License-Identifier: GPL-3.0-or-later
"""A person's own mesh as a thing of the world: brought to the cube, with a distance.

Inside is what the mesh encloses. What it does not enclose (leaves, sheets, a mesh that is not
closed) gets a skin, else nothing of it would be solid. A variant is stretched along its axes, so
that a few meshes are not a few shapes. It must not know pictures or datasets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from jaxtyping import Bool, Float, Int
from lightkiln_shared.errors import UserError
from lightkiln_shared.geometry import TriangleMesh
from lightkiln_shared.names import natural
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from scipy.spatial import cKDTree

from lightkiln.mesh.export import READ, load_mesh
from lightkiln.mesh.simplify import simplify
from lightkiln.metrics.closest import Samples, nearest_on_mesh, sample
from lightkiln.ops.colors import linear_from_srgb, srgb_from_linear
from lightkiln.ops.triangles import area_vectors, unit
from lightkiln.training.mesh_start import inside_of

from .things import LONGEST, SIDE, centres

FACES = 50_000
"""Most triangles that are looked at: more are finer than any voxel of 64³."""
PROPOSING = 20_000
"""Samples of the surface that propose triangles a place may be near to."""
POINTS = 129
"""Of the lattice along an edge on which is told what is inside."""
SKIN = 0.02
"""Half the thickness, in the cube's units, of what has no inside: two thirds of a voxel of 64³."""
NEAR = 0.1
"""Where distances are exact: as far as they are learned; further out samples are near enough."""
MOST_VARIANTS = 10_000
STRETCHED = 0.12
"""Standard deviation of the log of a variant's size along an axis."""


@dataclass(frozen=True, eq=False)
class OwnThing:
    """A mesh in the cube; what `things.Thing` offers."""

    family: str
    number: int
    mesh: TriangleMesh
    """With linear colours and normals."""

    def distance(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], " n"]:
        """Signed, negative inside; beyond `NEAR` that of the nearest sample."""
        return self._signed(x, math.inf)

    def normals(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """Of the nearest triangles."""
        faces = self.mesh.triangles[self._nearest(x)]
        return unit(area_vectors(self.mesh.positions, faces))

    def color(self, x: Float[NDArray[Any], "n 3"]) -> Float[NDArray[Any], "n 3"]:
        """sRGB of the nearest triangles, the means of their corners'."""
        assert self.mesh.colors is not None
        linear = self.mesh.colors[self.mesh.triangles[self._nearest(x)]].mean(axis=1)
        return np.asarray(srgb_from_linear(linear))

    @cached_property
    def lattice(self) -> Float[NDArray[Any], "side side side"]:
        """The distance at the middles of `SIDE`³ cells, at most about `NEAR`."""
        return self._signed(centres(SIDE), NEAR).reshape((SIDE,) * 3)

    def _signed(self, x: NDArray[Any], most: float) -> Float[NDArray[Any], " n"]:
        x = np.asarray(x, np.float64)
        found = self._tree.query(x, distance_upper_bound=most)[0]
        size = np.minimum(found, most)  # where there is no sample it says infinity
        near = size < NEAR
        size[near] = nearest_on_mesh(x[near], self.mesh, self._samples)[0]
        signed = np.where(self._is_inside(x), -size, size)
        return np.asarray(signed if self._is_closed else signed - SKIN)

    def _nearest(self, x: NDArray[Any]) -> Int[NDArray[Any], " n"]:
        return nearest_on_mesh(np.asarray(x, np.float64), self.mesh, self._samples)[1]

    def _is_inside(self, x: NDArray[Any]) -> Bool[NDArray[Any], " n"]:
        """By the lattice's points about a place."""
        steps = (np.asarray(x, np.float64) + 1.0) * (0.5 * (POINTS - 1))
        share = map_coordinates(self._inside, steps.T, order=1, mode="nearest")
        return np.asarray(share > 0.5)

    @cached_property
    def _samples(self) -> Samples:
        return sample(self.mesh, PROPOSING)

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._samples.points)

    @cached_property
    def _inside(self) -> Float[NDArray[Any], "points points points"]:
        return inside_of(self.mesh, POINTS).astype(np.float32)

    @cached_property
    def _is_closed(self) -> bool:
        whole = trimesh.Trimesh(self.mesh.positions, self.mesh.triangles, process=True)
        return bool(whole.is_watertight) and bool(self._inside.any())


def meshes_in(folder: Path) -> tuple[str, ...]:
    """Paths of a folder's meshes and those of the folders in it; raises `UserError` for none."""
    if not folder.is_dir():
        raise UserError(f"There is no folder {folder}.", hint="Give a folder of meshes.")
    found = [
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.suffix.lower() in READ and path.is_file() and not path.name.startswith(".")
    ]
    if not found:
        raise UserError(
            f"The folder {folder.name} has no meshes.", hint=f"Give some of {', '.join(READ)}."
        )
    return tuple(sorted(found, key=natural))


def own_thing(path: Path, family: str, number: int, variant: int) -> OwnThing:
    """A file's mesh as it is, or its variant of that number; raises `UserError`.

    `number` is that of the mesh in its library: what is drawn of it is drawn by that.
    """
    made = load_mesh(path)
    if not isinstance(made, TriangleMesh):
        raise UserError(f"{path.name} has no triangles.", hint="Leave point clouds out.")
    size = np.ptp(made.positions, axis=0)
    if float(size.max()) <= 0.0 or not np.isfinite(size).all():
        raise UserError(f"{path.name} has no extent.", hint="Leave it out.")
    draw = np.random.default_rng([number, variant])
    stretch = np.exp(STRETCHED * draw.standard_normal(3)) if variant else np.ones(3)
    mesh = _fitted(simplify(made, FACES), stretch)
    colors = mesh.colors
    if colors is None:
        hue = linear_from_srgb(draw.uniform(0.1, 0.95, 3)).astype(np.float32)
        colors = np.broadcast_to(hue, mesh.positions.shape).copy()
    which = number * MOST_VARIANTS + variant  # cameras and places are drawn by it
    return OwnThing(family=family, number=which, mesh=replace(mesh, colors=colors))


def _fitted(mesh: TriangleMesh, stretch: NDArray[Any]) -> TriangleMesh:
    """Stretched, its box about the origin and as long as the world's things are."""
    positions = mesh.positions.astype(np.float64) * stretch
    low, high = positions.min(axis=0), positions.max(axis=0)
    positions = (positions - 0.5 * (low + high)) * (LONGEST / float((high - low).max()))
    assert mesh.normals is not None
    normals = unit(mesh.normals.astype(np.float64) / stretch)
    return TriangleMesh(
        positions=positions.astype(np.float32),
        triangles=mesh.triangles,
        normals=normals.astype(np.float32),
        colors=mesh.colors,
    )
