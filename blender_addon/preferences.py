# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's preferences. Nothing secret is kept here: preferences are a plain file."""

import os
from pathlib import Path

import bpy
from bpy.props import BoolProperty, IntProperty, StringProperty
from bpy.types import AddonPreferences, Context

from .launcher import COMMAND_VARIABLE

FRAMES = "lightkiln_frames"


class LightkilnPreferences(AddonPreferences):
    bl_idname = __package__

    command: StringProperty(
        name="Backend Command",
        description=(
            "The `lightkiln` program, or the Python in which it is installed. "
            f"Empty: the environment variable {COMMAND_VARIABLE}, else the search path"
        ),
        subtype="FILE_PATH",
    )
    data_folder: StringProperty(
        name="Jobs Folder",
        description="Where the backend keeps its jobs. Empty: the extension's own folder",
        subtype="DIR_PATH",
    )
    preview_size: IntProperty(
        name="Preview Size",
        description="The longer side of the image that the backend draws for the viewport",
        subtype="PIXEL",
        default=640,
        min=64,
        max=2048,
    )

    notify: BoolProperty(
        name="Notify",
        description="Say in the status bar when a job has ended",
        default=True,
    )

    def draw(self, context: Context) -> None:
        layout = self.layout
        layout.use_property_split = True
        layout.prop(self, "command")
        layout.prop(self, "data_folder")
        layout.prop(self, "preview_size")
        layout.prop(self, "notify")


def get() -> LightkilnPreferences:
    """The preferences as they are now."""
    return bpy.context.preferences.addons[__package__].preferences


def data_folder() -> Path:
    """Where the backend keeps its jobs."""
    chosen = get().data_folder
    if chosen:
        return Path(bpy.path.abspath(chosen))
    return Path(bpy.utils.extension_path_user(__package__, path="backend", create=True))


def photographs_folder(job_id: str) -> Path:
    """Where photographs are kept that an alignment has made: frames of a video, JPEG of HEIC."""
    return own_folder("photographs") / job_id


def frames_folder(job_id: str) -> Path:
    """Where a job's pictures are kept: beside the file if it is saved where one may write."""
    beside = Path(bpy.data.filepath).parent
    if bpy.data.filepath and os.access(beside, os.W_OK):
        return beside / FRAMES / job_id
    return own_folder("frames") / job_id


def own_folder(name: str) -> Path:
    """A folder of the extension's own."""
    return Path(bpy.utils.extension_path_user(__package__, path=name, create=True))


CLASSES = (LightkilnPreferences,)
