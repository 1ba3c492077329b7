# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sets up in a scene; it is saved with the .blend. No state of a job is kept here."""

import bpy
from bpy.props import (
    BoolProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    PointerProperty,
    StringProperty,
)
from bpy.types import Context, Object, PropertyGroup, Scene

from . import method_params, preview_mesh, sparse_points
from .finish_settings import LightkilnFinish
from .shape_settings import LightkilnShape
from .text_settings import LightkilnText

DEFAULT_METHOD = "kiln"
PRESETS = (
    ("draft", "Draft", "A first look, in a minute or two"),
    ("standard", "Standard", "A good mesh in some minutes"),
    ("high", "High", "The best mesh; takes its time"),
)


ALIGN_PRESETS = (
    ("draft", "Draft", "Photographs of 1000 pixels, 2048 features each"),
    ("standard", "Standard", "Photographs of 1600 pixels, 4096 features each"),
    (
        "high",
        "High",
        "Photographs of 2400 pixels, 8192 features each; for things with little on them",
    ),
)


def _forget_names(settings: PropertyGroup, _context: Context) -> None:
    settings.photograph_names = ""


def _is_empty(_settings: PropertyGroup, candidate: Object) -> bool:
    return candidate.type == "EMPTY"


def _is_camera(_settings: PropertyGroup, candidate: Object) -> bool:
    return candidate.type == "CAMERA"


def _grey_outside(settings: PropertyGroup, _context: Context) -> None:
    for thing in settings.id_data.objects:
        if sparse_points.is_cloud(thing):
            sparse_points.compare_with(thing, settings.region)


def _show_mesh(settings: PropertyGroup, _context: Context) -> None:
    if not settings.show_mesh:
        preview_mesh.remove()


def _fill_params(settings: PropertyGroup, _context: Context) -> None:
    method_params.fill(settings.id_data, settings.preset)


class LightkilnSettings(PropertyGroup):
    region: PointerProperty(
        type=Object,
        name="Region",
        description=(
            "An empty, shown as a cube or a sphere, around what shall be reconstructed. "
            "None: the region is fitted to the cameras"
        ),
        poll=_is_empty,
        update=_grey_outside,
    )
    photographs: StringProperty(
        name="Photographs",
        description="A folder of photographs, or a video, whose cameras shall be found",
        subtype="FILE_PATH",
        options=method_params.RELATIVE,
        update=_forget_names,
    )
    photograph_names: StringProperty(
        description="Names of the files in the folder that were dropped; empty: all",
        options={"HIDDEN"},
    )
    in_order: BoolProperty(
        name="In Order",
        description="They follow each other, as frames of a film do; those of a video always do",
    )
    mask_by: EnumProperty(
        name="Segment",
        description="How the object is told from its background",
        items=(
            ("CUT_OUT", "By Region", "GrabCut: what lies beside the region shows the background"),
            ("KEY", "Colour Key", "All of one colour is background"),
        ),
    )
    key_color: FloatVectorProperty(
        name="Key",
        description="The background's colour",
        subtype="COLOR_GAMMA",
        size=3,
        min=0.0,
        max=1.0,
        default=(0.0, 1.0, 0.0),
    )
    key_tolerance: FloatProperty(
        name="Tolerance",
        description="How far from the key a colour is still background (CIE Lab)",
        default=25.0,
        min=1.0,
        max=150.0,
    )
    align_preset: EnumProperty(
        name="Preset",
        description="How closely the photographs are looked at",
        items=ALIGN_PRESETS,
        default="standard",
    )
    image_folder: StringProperty(
        name="Image Folder",
        description=(
            "Where images are looked for that are named like their cameras, "
            "for cameras without a background image"
        ),
        subtype="DIR_PATH",
        options=method_params.RELATIVE,
    )
    method: StringProperty(
        name="Method", description="How the mesh is reconstructed", default=DEFAULT_METHOD
    )
    preset: EnumProperty(
        name="Preset",
        description="Sets all parameters of the method at once",
        items=PRESETS,
        default="standard",
        update=_fill_params,
    )
    time_limit: FloatProperty(
        name="Time Limit",
        description="Seconds after which the job comes to its mesh; 0: none",
        min=0.0,
        soft_max=3600.0,
        step=1000,
        subtype="TIME_ABSOLUTE",
    )
    finish: PointerProperty(type=LightkilnFinish)
    render_frames: BoolProperty(
        name="Frames",
        description=(
            "Also render pictures along a camera's animation, over the scene's frames and in the "
            "size of its render settings"
        ),
        default=True,
    )
    frames_camera: PointerProperty(
        type=Object,
        name="Camera",
        description="Whose animation the pictures follow. None: the scene's camera",
        poll=_is_camera,
    )
    show_image: BoolProperty(
        name="Preview Image",
        description="Draw the backend's image from your point of view over the viewport",
        default=True,
    )
    image_opacity: FloatProperty(
        name="Opacity",
        description="Of the preview image",
        subtype="FACTOR",
        default=1.0,
        min=0.0,
        max=1.0,
    )
    beside_photograph: BoolProperty(
        name="Beside Photograph",
        description=(
            "Looking through a camera: the preview on the right half of its frame, "
            "the camera's background image on the left"
        ),
    )
    show_mesh: BoolProperty(
        name="Coarse Mesh",
        description="Show a coarse mesh that sharpens while the job runs",
        default=True,
        update=_show_mesh,
    )
    text: PointerProperty(type=LightkilnText)
    shape: PointerProperty(type=LightkilnShape)
    job_id: StringProperty(
        description="The scene's last job, so that a reopened file finds it", options={"HIDDEN"}
    )
    job_server: StringProperty(
        description="The paired backend that has it; empty: the one of this computer",
        options={"HIDDEN"},
    )
    imported_job_id: StringProperty(
        description="The job whose mesh was imported last", options={"HIDDEN"}
    )


CLASSES = (LightkilnFinish, LightkilnText, LightkilnShape, LightkilnSettings)


def register() -> None:
    Scene.lightkiln = PointerProperty(type=LightkilnSettings)


def unregister() -> None:
    del Scene.lightkiln


def of(context: Context) -> LightkilnSettings:
    """The settings of the scene in a context."""
    return context.scene.lightkiln


def scene_named(name: str) -> Scene:
    """A scene by name; the current one if that scene is gone."""
    return bpy.data.scenes.get(name) or bpy.context.scene or bpy.data.scenes[0]
