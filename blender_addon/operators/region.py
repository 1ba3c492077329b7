# SPDX-License-Identifier: GPL-3.0-or-later
"""The region: an empty around the thing."""

from typing import ClassVar

import numpy as np
from bpy.props import EnumProperty
from bpy.types import Context, Object, Operator

from .. import convert, lenses, properties, region, scene_export, solve, sparse_points


class AddRegion(Operator):
    bl_idname = "lightkiln.add_region"
    bl_label = "Add Region"
    bl_description = (
        "Add an empty around what the selected cameras look at; move and scale it freely"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    shape: EnumProperty(
        name="Shape",
        description="What the empty is shown as, and what of the world it takes in",
        items=(("BOX", "Box", "A box"), ("SPHERE", "Sphere", "A ball or an ellipsoid")),
    )

    def execute(self, context: Context) -> set[str]:
        cameras = scene_export.cameras(context)
        empty = region.add(context.scene, self.shape, cameras)
        properties.of(context).region = empty
        return {"FINISHED"}


class FitRegion(Operator):
    bl_idname = "lightkiln.fit_region"
    bl_label = "Fit to Points"
    bl_description = (
        "Put the region around the sparse points that most of the selected cameras see. Its turn "
        "is kept: turn it first to fit it along the object"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        if not solve.clouds(context.scene.objects):
            cls.poll_message_set("There are no sparse points: align photographs first")
            return False
        if not _cameras(context):
            cls.poll_message_set("Select the cameras that see what shall be reconstructed")
            return False
        return True

    def execute(self, context: Context) -> set[str]:
        clouds = solve.clouds(context.scene.objects)
        points = np.concatenate([sparse_points.positions_of(cloud) for cloud in clouds])
        settings, scene = properties.of(context), context.scene
        if settings.region is None:
            settings.region = region.add(scene, "BOX", [])
            context.view_layer.update()
        width, height = scene.render.resolution_x, scene.render.resolution_y
        cameras = [
            convert.camera_from_blender(
                np.array(camera.matrix_world), lenses.lens_of(camera.data, scene), width, height
            )
            for camera in _cameras(context)
        ]
        region.fit(settings.region, points, region.share_of_views(points, cameras))
        return {"FINISHED"}


class ShapeRegion(Operator):
    bl_idname = "lightkiln.shape_region"
    bl_label = "Shape of the Region"
    bl_description = "Make the region a box or a ball; it stays where it is"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO", "INTERNAL"}

    shape: EnumProperty(
        name="Shape",
        description="What the empty is shown as, and what of the world it takes in",
        items=(("BOX", "Box", "A box"), ("SPHERE", "Sphere", "A ball or an ellipsoid")),
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        return properties.of(context).region is not None

    def execute(self, context: Context) -> set[str]:
        properties.of(context).region.empty_display_type = region.DISPLAY_TYPES[self.shape]
        return {"FINISHED"}


def _cameras(context: Context) -> list[Object]:
    """The selected ones; else those of the solved scene."""
    root = solve.current(context)
    return scene_export.cameras(context) or ([] if root is None else solve.cameras(root))


CLASSES = (AddRegion, FitRegion, ShapeRegion)
