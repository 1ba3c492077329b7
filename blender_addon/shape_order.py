# SPDX-License-Identifier: GPL-3.0-or-later
"""The job of a method that has learned shapes. Reads Blender's data only: files are opened in the
client's thread. It must not know what becomes of a job.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import bpy
from bpy.types import Context, Scene

from . import at_cursor, method_params, own_meshes, status
from .given import FEW_IMAGES, MESH, MESHES, ONE_IMAGE, POINTS, VOLUME, Given
from .mailbox import Link
from .shared.errors import InvalidScene
from .shared.messages import MethodInfo
from .shots import Order

SOURCES = {
    ONE_IMAGE: "picture",
    FEW_IMAGES: "picture",
    POINTS: "points",
    VOLUME: "volume",
    MESH: "mesh",
    MESHES: "meshes",
}
"""What a method needs -> where the person has chosen it; meshes are selected."""
LEAST_MESHES = 2
"""One alone is one shape."""


def method_of(scene: Scene) -> MethodInfo | None:
    """The chosen method as the backend describes it; another one where it has none of that name."""
    known = status.current.shapers
    return known.get(scene.lightkiln.shape.method) or next(iter(known.values()), None)


def source_of(info: MethodInfo) -> str:
    """Name of the property that holds what it is made from; empty: a seed alone."""
    return SOURCES[info.needs[0]] if info.needs else ""


def problem(context: Context) -> str:
    """Why no mesh can be asked for: a sentence, or nothing. Opens no file."""
    current = status.current
    if current.link is not Link.ONLINE or not current.all_methods():
        return "Connect first: the backend says which shapes it has learned."
    info = method_of(context.scene)
    if info is None:
        return "This backend has learned no shapes: update Lightkiln there."
    if info.unavailable:
        return f"{info.title} cannot be used: {info.unavailable}."
    source = source_of(info)
    shape = context.scene.lightkiln.shape
    if source in (MESH, MESHES):
        return _missing_meshes(context, source)
    if source and not getattr(shape, source):
        name = shape.bl_rna.properties[source].name.lower()
        return f"Choose the {name} that it is to be made from."
    return ""


def order(context: Context) -> Order:
    """A mesh at the 3D cursor."""
    if wrong := problem(context):
        raise InvalidScene(wrong)
    scene, info = context.scene, method_of(context.scene)
    assert info is not None  # there was no problem
    settings, shape = scene.lightkiln, scene.lightkiln.shape
    given = _given(context, info)
    return Order(
        order_id=str(uuid.uuid4()),
        title=given.path.name if given.path is not None else f"{info.title} {shape.seed}",
        method=info.name,
        preset=settings.preset,
        params=method_params.values_over_preset(scene, info.name, settings.preset),
        shots=(),
        region=at_cursor.region(scene, shape.size),
        folder=None,
        given=given,
        seed=shape.seed,
    )


def _given(context: Context, info: MethodInfo) -> Given:
    source, shape = source_of(info), context.scene.lightkiln.shape
    if not source:
        return Given("")
    if source == MESHES and shape.meshes == "LIBRARY":
        return Given(MESHES, meshes=own_meshes.of_library(shape.library))
    if source in (MESH, MESHES):
        return Given(source, meshes=own_meshes.of_selected(context))
    return Given(info.needs[0], Path(bpy.path.abspath(getattr(shape, source))))


def _missing_meshes(context: Context, source: str) -> str:
    shape = context.scene.lightkiln.shape
    if source == MESHES and shape.meshes == "LIBRARY":
        return "" if shape.library else "Choose the asset library that it is to learn from."
    count = len(own_meshes.selected(context))
    if source == MESH:
        return (
            "" if count == 1 else f"Select the one mesh that it is to be made from ({count} are)."
        )
    if count < LEAST_MESHES:
        return f"Select {LEAST_MESHES} meshes or more that are alike ({count} are)."
    return ""
