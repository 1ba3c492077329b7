# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the finished mesh where the cameras stand: an object in its own collection.

The arrays were checked in the client's thread. What was done is recorded on the object.
"""

from __future__ import annotations

import json

import bpy
from bpy.types import Collection, Object, Scene

from . import coloured_mesh
from .shared.geometry import TriangleMesh
from .shared.messages import Welcome
from .status import Job

COLLECTION = "Lightkiln"


def add(scene: Scene, job: Job, mesh: TriangleMesh, welcome: Welcome | None) -> Object:
    """A new object in world space; meshes need no conversion, only cameras do."""
    data = bpy.data.meshes.new(job.title)
    coloured_mesh.finish(coloured_mesh.build(data, mesh))
    data.materials.append(coloured_mesh.material())
    result = bpy.data.objects.new(job.title, data)
    _record(result, job, welcome)
    _collection(scene).objects.link(result)
    coloured_mesh.show_colors()
    return result


def _record(result: Object, job: Job, welcome: Welcome | None) -> None:
    result["lightkiln_job"] = job.job_id
    result["lightkiln_method"] = job.method
    result["lightkiln_preset"] = job.preset
    if job.order is not None:
        result["lightkiln_params"] = json.dumps(job.order.params)
        result["lightkiln_cameras"] = len(job.order.shots)
    if welcome is not None:
        result["lightkiln_backend"] = welcome.server_version
    result["lightkiln_extension"] = "0.1.0"


def _collection(scene: Scene) -> Collection:
    found = scene.collection.children.get(COLLECTION)
    if found is not None:
        return found
    made = bpy.data.collections.new(COLLECTION)
    scene.collection.children.link(made)
    return made
