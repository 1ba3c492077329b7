# SPDX-License-Identifier: GPL-3.0-or-later
"""Lightkiln in Blender: from the cameras of a scene to a solid, coloured mesh in it.

Layers, each importing only what stands below it:

    panels/ operators/                                            what a person sees and presses
    inbox                                                         the timer, load and undo
    job_list preview result_import scene_export frames region one thing each
    text_order text_again text_start                          what shall be made of words
    shape_order at_cursor own_meshes mesh_arrays              what by learned shapes; where
    backends jobs                                                 where to, and what
    backend places status properties preferences method_params    what is set and what is going on
    client launcher mailbox connection transfers shots            the thread; no bpy from here on
    pairing searching known_backends                              other computers; no bpy either
    convert image_files ply previews results thumbnails curves wishes given said candidates
    shared                                                        copied in by build_addon.py

A failed registration fails loudly: nothing is caught here.
"""

from __future__ import annotations

import bpy

from . import (
    backends,
    candidate_icons,
    curve_icons,
    inbox,
    job_list,
    method_params,
    operators,
    panels,
    preferences,
    preview,
    properties,
)

_CLASSES = (
    *preferences.CLASSES,
    *properties.CLASSES,
    *job_list.CLASSES,
    *backends.CLASSES,
    *operators.CLASSES,
    *panels.CLASSES,
)


def register() -> None:
    for cls in _CLASSES:
        bpy.utils.register_class(cls)
    properties.register()
    operators.register()
    preview.register()
    job_list.register()
    backends.register()
    inbox.register()


def unregister() -> None:
    inbox.unregister()
    candidate_icons.unregister()
    curve_icons.unregister()
    backends.unregister()
    job_list.unregister()
    preview.unregister()
    operators.unregister()
    method_params.uninstall()
    properties.unregister()
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
