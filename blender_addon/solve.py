# SPDX-License-Identifier: GPL-3.0-or-later
"""A solved scene as Blender's objects: a collection, and in it one empty that holds all the rest.

    TITLE             the empty: moving, turning and scaling it moves the whole solved scene
      photograph ...  a camera each, its photograph behind it; if its lens distorts, that is hidden
                      and shown is a picture without
      TITLE Points    the sparse points
      TITLE Region    what shall be reconstructed

It must not know where a solve comes from.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.types import Collection, Context, Object, Scene
from mathutils import Matrix

from . import coloured_mesh, packed, sparse_points
from .convert import blender_from_pose, lens_of_camera
from .lenses import set_lens
from .masks import STRAIGHT
from .shared.camera import Camera
from .shared.scene import FileRef, Region, RegionShape, View
from .solved import Solved

ROOT = "lightkiln_solve"
"""Property of the empty: the job that solved it, or a name of its source."""
UNPLACED, ABOUT = "lightkiln_unplaced", "lightkiln_about"
REGION = "lightkiln_region"
"""Property of the region's empty."""
DISPLAY_TYPES = {RegionShape.BOX: "CUBE", RegionShape.SPHERE: "SPHERE"}
ROOT_SHARE = 0.15
CAMERA_SHARE = 0.04
"""Display sizes of the empty and of a camera, of the cameras' extent."""


def add(scene: Scene, title: str, source: str, solved: Solved) -> Object:
    """Put a solved scene into a Blender scene; the empty that holds it."""
    collection = bpy.data.collections.new(title)
    scene.collection.children.link(collection)
    root = bpy.data.objects.new(title, None)
    root.empty_display_type = "ARROWS"
    _record(root, source, solved)
    collection.objects.link(root)
    extent = _extent([view.camera for view in solved.scene.views])
    root.empty_display_size = ROOT_SHARE * extent
    for view in solved.scene.views:
        _under(root, collection, _camera(view, solved, CAMERA_SHARE * extent))
    if len(solved.positions):
        cloud = sparse_points.add(f"{title} Points", solved.positions, solved.colors)
        _under(root, collection, cloud)
        coloured_mesh.show_colors()
    if solved.scene.region is not None:
        _under(root, collection, _region(f"{title} Region", solved.scene.region))
    _take_resolution(scene, solved.scene.views)
    return root


def root_of(thing: Object | None) -> Object | None:
    """The empty that holds the solved scene to which an object belongs."""
    while thing is not None and ROOT not in thing:
        thing = thing.parent
    return thing


def current(context: Context) -> Object | None:
    """The solved scene of the active object; else the only one there is."""
    active = context.view_layer.objects.active
    there = roots(context.scene)
    return root_of(active) or (there[0] if len(there) == 1 else None)


def take_up(scene: Scene, root: Object) -> None:
    """Make it what is worked on: its cameras selected, its region the region."""
    mine = cameras(root)
    for view_layer in scene.view_layers:
        view_layer.update()  # what was just linked cannot be selected before
        for thing in view_layer.objects:
            thing.select_set(thing in mine, view_layer=view_layer)
        if mine and mine[0].name in view_layer.objects:
            view_layer.objects.active = mine[0]
    if mine and scene.camera is None:
        scene.camera = mine[0]
    region = region_of(root)
    if region is not None:
        scene.lightkiln.region = region


def roots(scene: Scene) -> list[Object]:
    """The solved scenes, in the order of their names."""
    return sorted((each for each in scene.objects if ROOT in each), key=lambda each: each.name)


def cameras(root: Object) -> list[Object]:
    """Its cameras."""
    return [each for each in root.children_recursive if each.type == "CAMERA"]


def clouds(things: Iterable[Object]) -> list[Object]:
    """The sparse point clouds among objects."""
    return [each for each in things if sparse_points.is_cloud(each)]


def region_of(root: Object) -> Object | None:
    """Its region's empty."""
    empties = (each for each in root.children if each.type == "EMPTY" and REGION in each)
    return next(empties, None)


def unplaced(root: Object) -> list[tuple[str, str]]:
    """(name, reason) of each photograph that has no camera."""
    try:
        return [(str(name), str(text)) for name, text in json.loads(root.get(UNPLACED, "[]"))]
    except (ValueError, TypeError):  # changed by a person
        return []


def _record(root: Object, source: str, solved: Solved) -> None:
    root[ROOT] = source
    root[UNPLACED] = json.dumps([(each.name, each.text) for each in solved.unplaced])
    placed = len(solved.scene.views)
    error = f", {solved.error:.2f} px" if solved.error else ""
    total, points = placed + len(solved.unplaced), len(solved.positions)
    root[ABOUT] = f"{placed} of {total} placed, {points:,} points{error}"


def _under(root: Object, collection: Collection, thing: Object) -> None:
    collection.objects.link(thing)
    thing.parent = root


def _camera(view: View, solved: Solved, size: float) -> Object:
    name = Path(view.name).stem
    data = bpy.data.cameras.new(name)
    set_lens(data, lens_of_camera(view.camera))
    data.display_size = size
    image, straight = _image(view.image, solved.paths), solved.straight.get(view.image.sha256)
    if image is not None:
        _behind(data, image).show_background_image = straight is None
        data.show_background_images = True
    if straight is not None:
        data[STRAIGHT] = packed.image(f"{name} Straight", straight)
        _behind(data, data[STRAIGHT])
    made = bpy.data.objects.new(name, data)
    made.matrix_basis = Matrix(blender_from_pose(view.camera.world_from_camera).tolist())
    return made


def _behind(data: bpy.types.Camera, image: bpy.types.Image) -> bpy.types.CameraBackgroundImage:
    background = data.background_images.new()
    background.image = image
    background.alpha = 1.0
    background.frame_method = "FIT"
    return background


def _image(ref: FileRef, paths: Mapping[str, Path]) -> bpy.types.Image | None:
    if ref.sha256 not in paths:
        return None
    try:
        return bpy.data.images.load(str(paths[ref.sha256]), check_existing=True)
    except RuntimeError:  # gone meanwhile
        return None


def _region(name: str, region: Region) -> Object:
    empty = bpy.data.objects.new(name, None)
    empty[REGION] = True
    empty.empty_display_type = DISPLAY_TYPES[region.shape]
    empty.matrix_basis = Matrix(region.world_from_region.tolist())
    return empty


def _extent(solved: list[Camera]) -> float:
    """Metres, about how far the cameras are apart."""
    centres = np.array([camera.centre for camera in solved])
    extent: Any = np.ptp(centres, axis=0).max() if len(centres) > 1 else 1.0
    return float(max(extent, 1e-3))


def _take_resolution(scene: Scene, views: tuple[View, ...]) -> None:
    """What most photographs have: so that they fill the frame when one looks through a camera."""
    sizes = Counter((view.camera.width, view.camera.height) for view in views)
    if sizes:
        (width, height), _ = sizes.most_common(1)[0]
        scene.render.resolution_x, scene.render.resolution_y = width, height
        scene.render.resolution_percentage = 100
