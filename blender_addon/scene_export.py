# SPDX-License-Identifier: GPL-3.0-or-later
"""What the selected cameras and the region are, for the client's thread to make a scene of.

Reads Blender's data only: files are opened elsewhere. Strict here, so that `shots` may trust.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import bpy
import numpy as np
from bpy.types import Context, Image, Object, Scene

from . import finish_settings, masks, method_params, properties
from .lenses import lens_of
from .shared.checks import MIN_VIEWS
from .shared.errors import InvalidScene
from .shared.scene import Region, RegionShape
from .shots import Order, Shot
from .transfers import Source

DEFAULT_TITLE = "Reconstruction"
REGION_SHAPES = {"CUBE": RegionShape.BOX, "SPHERE": RegionShape.SPHERE}


def order(context: Context) -> Order:
    """The job that the scene describes; raises `InvalidScene` with what is wrong."""
    if wrong := problem(context):
        raise InvalidScene(wrong)
    settings = properties.of(context)
    folder = settings.image_folder
    return Order(
        order_id=str(uuid.uuid4()),
        title=Path(bpy.data.filepath).stem or DEFAULT_TITLE,
        method=settings.method,
        preset=settings.preset,
        params=method_params.values_over_preset(context.scene, settings.method, settings.preset),
        shots=tuple(shot(camera, context.scene) for camera in cameras(context)),
        region=region(settings.region),
        folder=Path(bpy.path.abspath(folder)) if folder else None,
        time_limit=settings.time_limit,
        finish=finish_settings.values(settings.finish),
    )


def problem(context: Context) -> str:
    """What is wrong with the selection, in a sentence; empty if nothing is. Opens no file."""
    chosen = cameras(context)
    if not chosen:
        return "No cameras are selected: select the cameras whose images shall be used."
    if len(chosen) < MIN_VIEWS:
        few = "One camera is" if len(chosen) == 1 else f"{len(chosen)} cameras are"
        return f"{few} selected; a surface needs at least {MIN_VIEWS}, best twenty or more."
    for camera in chosen:
        if camera.data.type != "PERSP":
            return f"The camera {camera.name} is not a perspective camera: deselect it."
    empty = properties.of(context).region
    if empty is not None and empty.empty_display_type not in REGION_SHAPES:
        return f"The region {empty.name} must be an empty that is shown as a cube or a sphere."
    without = [camera.name for camera in chosen if masks.photograph_of(camera.data) is None]
    if without and not properties.of(context).image_folder:
        more = f" and {len(without) - 1} more have" if len(without) > 1 else " has"
        return (
            f"The camera {without[0]}{more} no background image: set one, choose the folder "
            "of the images, or press Render Views."
        )
    return ""


def cameras(context: Context) -> list[Object]:
    """The selected cameras, in the order of their names."""
    chosen = [item for item in context.selected_objects if item.type == "CAMERA"]
    return sorted(chosen, key=lambda camera: camera.name)


def shot(camera: Object, scene: Scene) -> Shot:
    """A camera with its lens and its image."""
    image = masks.photograph_of(camera.data)
    mask = masks.mask_of(camera.data)
    return Shot(
        name=camera.name,
        matrix_world=np.array(camera.matrix_world, dtype=np.float64),
        lens=lens_of(camera.data, scene),
        image=_source(image, camera.name) if image is not None else None,
        mask=_source(mask, camera.name) if mask is not None else None,
    )


def region(empty: Object | None) -> Region | None:
    """The region that an empty stands for; its display size counts like a scale."""
    if empty is None:
        return None
    scaled = np.diag([empty.empty_display_size] * 3 + [1.0])
    return Region(
        shape=REGION_SHAPES[empty.empty_display_type],
        world_from_region=np.array(empty.matrix_world, dtype=np.float64) @ scaled,
    )


def _source(image: Image, camera: str) -> Source:
    if image.packed_file is not None:
        return bytes(image.packed_file.data)
    if image.source != "FILE" or not image.filepath:
        raise InvalidScene(
            f"The background image of {camera} is not a file but {image.source.lower()}.",
            hint="Save it as a PNG or JPEG file, or deselect the camera.",
        )
    return Path(bpy.path.abspath(image.filepath, library=image.library))
