# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes to learn from: the selected objects, or the assets of a library.

Each has a family, the collection in which it lies, and comes as it stands in the world, so that
what is upright stays upright. It must not know what is learned of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
import numpy as np
from bpy.types import Collection, Context, Object
from mathutils import Matrix

from . import mesh_arrays
from .shared.errors import InvalidScene
from .shared.geometry import TriangleMesh

MOST, MOST_TRIANGLES = 300, 200_000
"""Meshes; and triangles of one: more would hold Blender up, and be lost in 32 voxels."""
THING = "thing"
"""Family of what lies in no collection of its own."""

Named = tuple[str, TriangleMesh]
"""`family/name` and a mesh, in the world's axes."""


def selected(context: Context) -> list[Object]:
    """The selected meshes that have faces."""
    return [thing for thing in context.selected_objects if _is_solid(thing)]


def of_selected(context: Context) -> tuple[Named, ...]:
    """With their modifiers; raises `InvalidScene` if there are too many or too large ones."""
    graph = context.evaluated_depsgraph_get()
    return _all((_family(thing), thing.evaluated_get(graph)) for thing in selected(context))


def of_library(name: str) -> tuple[Named, ...]:
    """Of a library's files, as they lie there, modifiers left aside; raises `InvalidScene`."""
    libraries = bpy.context.preferences.filepaths.asset_libraries
    library = libraries.get(name)
    folder = Path(bpy.path.abspath(library.path)) if library is not None else None
    if folder is None or not folder.is_dir():
        raise InvalidScene(f"The asset library {name} is not there.", hint="Choose another one.")
    found: list[Named] = []
    for file in sorted(folder.rglob("*.blend")):
        with _lent(file) as things:
            found += _all((file.stem, thing) for thing in things if _is_solid(thing))
    return _few(found)


def _all(things: Iterable[tuple[str, Object]]) -> tuple[Named, ...]:
    return _few([(f"{family}/{thing.name}.ply", _mesh(thing)) for family, thing in things])


def _few(found: list[Named]) -> tuple[Named, ...]:
    if len(found) > MOST:
        raise InvalidScene(
            f"There are {len(found)} meshes; at most {MOST} are looked at.", hint="Choose fewer."
        )
    return tuple(found)


def _mesh(thing: Object) -> TriangleMesh:
    triangles = mesh_arrays.triangles(thing.data)
    if len(triangles) > MOST_TRIANGLES:
        raise InvalidScene(
            f"{thing.name} has more than {MOST_TRIANGLES:,} triangles.",
            hint="Leave it out, or decimate it first.",
        )
    matrix = np.array(_standing(thing), dtype=np.float64)
    placed = mesh_arrays.positions(thing.data) @ matrix[:3, :3].T + matrix[:3, 3]
    if np.linalg.det(matrix[:3, :3]) < 0.0:  # mirrored: what was outside would be inside
        triangles = triangles[:, ::-1]
    return TriangleMesh(positions=placed.astype(np.float32), triangles=triangles)


def _standing(thing: Object) -> Matrix:
    """Where it stands; Blender reckons that for what is in a scene, an asset is in none."""
    if thing.is_evaluated:
        return thing.matrix_world
    if thing.parent is None:
        return thing.matrix_basis
    return _standing(thing.parent) @ thing.matrix_parent_inverse @ thing.matrix_basis


def _is_solid(thing: Object) -> bool:
    return thing.type == "MESH" and len(thing.data.polygons) > 0


def _family(thing: Object) -> str:
    own = [each for each in thing.users_collection if not _is_root(each)]
    return own[0].name.replace("/", "-") if own else THING


def _is_root(collection: Collection) -> bool:
    return any(collection == scene.collection for scene in bpy.data.scenes)


@contextmanager
def _lent(file: Path) -> Iterator[list[Object]]:
    """A file's assets, taken out of this one again afterwards."""
    before = {each for kind in _KINDS for each in getattr(bpy.data, kind)}
    try:
        with bpy.data.libraries.load(str(file), assets_only=True) as (there, here):
            here.objects = there.objects
    except OSError as error:
        raise InvalidScene(f"{file.name} cannot be read: {error}.", hint="Leave it out.") from None
    try:
        yield [thing for thing in here.objects if thing is not None]
    finally:
        lent = [each for kind in _KINDS for each in getattr(bpy.data, kind) if each not in before]
        bpy.data.batch_remove(lent)


_KINDS = ("objects", "meshes", "materials", "images", "node_groups", "collections", "libraries")
"""Of what an asset may bring along."""
