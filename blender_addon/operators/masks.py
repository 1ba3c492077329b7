# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks of the selected cameras: found by the backend, taken from files, shown, removed."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from bpy.props import StringProperty
from bpy.types import Context, Event, Object, Operator

from .. import image_files, masks, method_params, properties, scene_export, status
from ..found_masks import FoundMask
from ..shared.params import Scalar
from ..shots import Order
from .starting import StartsJob

BUILT_IN, PRESET = "segment", "standard"


class Segment(StartsJob, Operator):
    bl_idname = "lightkiln.segment"
    bl_label = "Segment"
    bl_options: ClassVar[set[str]] = set()

    method: StringProperty(
        name="Method", description="Which of the backend's methods finds them", default=BUILT_IN
    )

    @classmethod
    def description(cls, context: Context, operator: Operator) -> str:
        info = status.current.cutters.get(operator.method)
        about = info.summary.rstrip(".") if info else "Have the backend find the object's outline"
        return f"{about}. The masks come back over the photographs, to be looked at before the run"

    def order(self, context: Context) -> Order:
        whole = scene_export.order(context)
        return replace(
            whole,
            method=self.method,
            preset=PRESET,
            params=_params(context, self.method),
            finish={},
            shots=tuple(replace(shot, mask=None) for shot in whole.shots),
        )


class ImportMasks(Operator):
    bl_idname = "lightkiln.import_masks"
    bl_label = "Import Masks"
    bl_description = "Lay the masks that were found over their photographs"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and job.masks is not None and context.mode == "OBJECT"

    def execute(self, context: Context) -> set[str]:
        job = status.current.job
        found, job.masks = job.masks, None
        scene = properties.scene_named(job.scene)
        names = None if job.order is None else [shot.name for shot in job.order.shots]
        number = 0
        for index, mask in enumerate(found):
            camera = _camera_of(scene.objects, mask, names[index] if names else "")
            if camera is not None:
                masks.put(camera.data, mask.path)
                number += 1
        scene.lightkiln.imported_job_id = job.job_id
        job.imported_as = f"{number} masks"
        self.report({"INFO"}, f"{number} masks lie over their photographs")
        return {"FINISHED"}


class MasksFromFolder(Operator):
    bl_idname = "lightkiln.masks_from_folder"
    bl_label = "From Files"
    bl_description = (
        "Take masks from a folder, for the selected cameras: files named like the photograph or "
        "the camera, the object white"
    )
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    directory: StringProperty(subtype="DIR_PATH", options={"HIDDEN"})

    @classmethod
    def poll(cls, context: Context) -> bool:
        return _has_cameras(cls, context)

    def invoke(self, context: Context, event: Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        folder = Path(self.directory)
        without = []
        for camera in scene_export.cameras(context):
            path = _file_for(camera, folder) if folder.is_dir() else None
            if path is None:
                without.append(camera.name)
            else:
                masks.put(camera.data, path)
        if without:
            more = f" and {len(without) - 1} more" if len(without) > 1 else ""
            self.report({"WARNING"}, f"No mask for {without[0]}{more} in {folder.name}")
        return {"FINISHED"}


class RemoveMasks(Operator):
    bl_idname = "lightkiln.remove_masks"
    bl_label = "Remove Masks"
    bl_description = "Take the masks of the selected cameras away; no file is deleted"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return _has_cameras(cls, context)

    def execute(self, context: Context) -> set[str]:
        for camera in scene_export.cameras(context):
            masks.remove(camera.data)
        return {"FINISHED"}


def _params(context: Context, method: str) -> dict[str, Scalar]:
    if method != BUILT_IN:
        return method_params.values_over_preset(context.scene, method, PRESET)
    settings = properties.of(context)
    if settings.mask_by != "KEY":
        return {}
    red, green, blue = (round(255.0 * value) for value in settings.key_color)
    return {
        "how": "color-key",
        "key": f"#{red:02x}{green:02x}{blue:02x}",
        "tolerance": settings.key_tolerance,
    }


def _has_cameras(operator: type[Operator], context: Context) -> bool:
    if not scene_export.cameras(context):
        operator.poll_message_set("Select the cameras whose masks are meant")
        return False
    return True


def _camera_of(objects: list[Object], mask: FoundMask, name: str) -> Object | None:
    """The camera that was sent under a name; else the one whose photograph or name fits."""
    cameras = [thing for thing in objects if thing.type == "CAMERA"]
    if name:
        return next((camera for camera in cameras if camera.name == name), None)
    return next((camera for camera in cameras if mask.name in _names(camera)), None)


def _names(camera: Object) -> list[str]:
    photograph = masks.photograph_of(camera.data)
    return [camera.name] if photograph is None else [Path(photograph.filepath).name, camera.name]


def _file_for(camera: Object, folder: Path) -> Path | None:
    stems = [stem for name in _names(camera) for stem in (name, Path(name).stem)]
    found = (image_files.find(folder, stem) for stem in stems)
    return next((path for path in found if path is not None), None)


CLASSES = (Segment, ImportMasks, MasksFromFolder, RemoveMasks)
