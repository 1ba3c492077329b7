# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the cameras that have no image, one after the other, into the image folder.

Rendered plainly (Standard view transform, transparent film), because the colours of these images
become the colours of the mesh: a filmic look would be applied twice, and alpha is the mask.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bpy
from bpy.types import Object, Scene

FOLDER = "lightkiln_views"


def folder_for(scene: Scene) -> Path:
    """The scene's image folder; one beside Blender's other temporary files where none is set."""
    chosen = scene.lightkiln.image_folder
    return Path(bpy.path.abspath(chosen)) if chosen else Path(bpy.app.tempdir) / FOLDER


def render(scene: Scene, camera: Object, folder: Path) -> Path:
    """Render one camera to `folder` under its own name."""
    path = folder / f"{camera.name}.png"
    with _settings(scene, camera, path):
        bpy.ops.render.render(write_still=True, scene=scene.name)
    return path


def is_file_name(name: str) -> bool:
    """True if a camera's name can also name its file."""
    return bpy.path.clean_name(name, replace="_") == name.replace(".", "_")


@contextmanager
def _settings(scene: Scene, camera: Object, path: Path) -> Iterator[None]:
    wanted = (
        (scene, "camera", camera),
        (scene.render, "filepath", str(path)),
        (scene.render, "film_transparent", True),
        (scene.render, "use_file_extension", False),
        (scene.render.image_settings, "file_format", "PNG"),
        (scene.render.image_settings, "color_mode", "RGBA"),
        (scene.render.image_settings, "color_depth", "8"),
        (scene.view_settings, "view_transform", "Standard"),
        (scene.view_settings, "look", "None"),
    )
    before = [(owner, name, getattr(owner, name)) for owner, name, _ in wanted]
    try:
        for owner, name, value in wanted:
            setattr(owner, name, value)
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
