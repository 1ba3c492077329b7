# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing a result for other programs: Blender's own exporters, asked for the result alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty
from bpy.types import Context, Event, Image, Operator

from .. import result_import
from .starting import Excused

FORMATS = (
    ("GLB", "GLB", "One file with its images: web, game engines, most viewers"),
    ("OBJ", "OBJ", "A text file with materials and images beside it: nearly every program"),
    ("PLY", "PLY", "The mesh with colours of vertices: scanning and measuring programs"),
    ("USD", "USD", "Film and AR programs"),
)
SUFFIX = {"GLB": ".glb", "OBJ": ".obj", "PLY": ".ply", "USD": ".usdc"}


class ExportResult(Excused, Operator):
    bl_idname = "lightkiln.export_result"
    bl_label = "Export Result"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    format: EnumProperty(name="Format", description="What is written", items=FORMATS)
    filepath: StringProperty(name="File", description="Where it is written", subtype="FILE_PATH")

    @classmethod
    def description(cls, context: Context, operator: Operator) -> str:
        return next(about for name, _, about in FORMATS if name == operator.format)

    @classmethod
    def obstacle(cls, context: Context) -> str:
        return result_import.unchosen(context)

    def invoke(self, context: Context, event: Event) -> set[str]:
        result = result_import.chosen(context)
        self.filepath = bpy.path.clean_name(result.name) + SUFFIX[self.format]
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: Context) -> set[str]:
        result_import.select_only(context, result_import.chosen(context))
        path = bpy.path.ensure_ext(bpy.path.abspath(self.filepath), SUFFIX[self.format])
        done = _EXPORTERS[self.format](path)
        if done == {"FINISHED"}:
            self.report({"INFO"}, f"Wrote {bpy.path.basename(path)}")
        return done


def _glb(path: str) -> set[str]:
    if not hasattr(bpy.types, "EXPORT_SCENE_OT_gltf"):  # comes with Blender, may be switched off
        bpy.ops.preferences.addon_enable(module="io_scene_gltf2")
    return bpy.ops.export_scene.gltf(filepath=path, export_format="GLB", use_selection=True)


def _obj(path: str) -> set[str]:
    with _images_beside(Path(path)):
        return bpy.ops.wm.obj_export(
            filepath=path,
            export_selected_objects=True,
            export_pbr_extensions=True,
            path_mode="STRIP",
        )


@contextmanager
def _images_beside(path: Path) -> Iterator[None]:
    """Write the packed images beside a file; Blender's OBJ names only images that lie somewhere."""
    before: dict[Image, str] = {}
    nodes = bpy.context.object.active_material.node_tree.nodes
    for node in nodes:
        image = getattr(node, "image", None)
        if image is not None and image.packed_file is not None:
            beside = path.with_name(f"{path.stem}_{bpy.path.clean_name(image.name)}.png")
            beside.write_bytes(image.packed_file.data)
            before[image] = image.filepath_raw
            image.filepath_raw = str(beside)
    try:
        yield
    finally:
        for image, old in before.items():
            image.filepath_raw = old


def _ply(path: str) -> set[str]:
    return bpy.ops.wm.ply_export(filepath=path, export_selected_objects=True)


def _usd(path: str) -> set[str]:
    return bpy.ops.wm.usd_export(filepath=path, selected_objects_only=True)


_EXPORTERS = {"GLB": _glb, "OBJ": _obj, "PLY": _ply, "USD": _usd}

CLASSES = (ExportResult,)
