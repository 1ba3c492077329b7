# SPDX-License-Identifier: GPL-3.0-or-later
"""The coarse mesh that sharpens in place: one object, refilled while the job runs, then removed.

The object is looked up by name each time: undo or another file may have taken it away.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy
from bpy.types import Mesh, Object, Scene

from . import coloured_mesh
from .previews import CoarseMesh

NAME = "Lightkiln Preview"
TAG = "lightkiln_preview"


def update(scene: str, source: CoarseMesh) -> Iterator[None]:
    """Fill a new mesh slice by slice, then put it in the place of the old one.

    Close it before undo and load; a mesh that was taken away meanwhile raises `ReferenceError`.
    """
    mesh = bpy.data.meshes.new(NAME)
    mesh[TAG] = True
    mesh.materials.append(coloured_mesh.material())
    try:
        yield from coloured_mesh.build(mesh, source.mesh, source.edges)
    except GeneratorExit:
        bpy.data.meshes.remove(mesh)
        raise
    if scene in bpy.data.scenes:
        _show(bpy.data.scenes[scene], mesh)


def remove() -> None:
    """Take the object and its mesh out of the file."""
    found = _object()
    if found is not None:
        _remove_mesh(found.data)  # takes the object with it


def exists() -> bool:
    """True if the coarse mesh is in the file."""
    return _object() is not None


def _show(scene: Scene, mesh: Mesh) -> None:
    found = _object()
    if found is None:
        found = bpy.data.objects.new(NAME, mesh)
        found[TAG] = True
        found.hide_select = True
        scene.collection.objects.link(found)
        coloured_mesh.show_colors()
    else:
        old, found.data = found.data, mesh
        _remove_mesh(old)


def _object() -> Object | None:
    found = bpy.data.objects.get(NAME)
    return found if found is not None and TAG in found else None


def _remove_mesh(mesh: Mesh | None) -> None:
    if mesh is not None and TAG in mesh:
        bpy.data.meshes.remove(mesh)
