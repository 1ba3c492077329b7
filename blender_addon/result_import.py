# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the finished mesh where the cameras stand: an object in its own collection.

The arrays were checked in the client's thread. What was done is recorded on the object.
"""

from __future__ import annotations

import json

import bpy
from bpy.types import Collection, Context, Material, Object, Scene
from mathutils import Matrix

from . import coloured_mesh, text_start, textured_material
from .given import PLACED
from .results import Result
from .shared.messages import Welcome
from .shared.scene import Region
from .shots import Order
from .status import Job

COLLECTION = "Lightkiln"
JOB = "lightkiln_job"
"""Property of a result: the job that it comes from."""
PROMPT, NEGATIVE, SEED = "lightkiln_prompt", "lightkiln_negative", "lightkiln_seed"
GUIDANCE, LICENCE = "lightkiln_guidance", "lightkiln_licence"
"""Properties of one that was made of words."""


def add(scene: Scene, job: Job, result: Result, welcome: Welcome | None) -> Object:
    """A new object in world space; meshes need no conversion, only cameras do."""
    data = bpy.data.meshes.new(job.title)
    coloured_mesh.finish(coloured_mesh.build(data, result.mesh, result.edges))
    if result.uvs is not None:
        coloured_mesh.set_places(data, result.uvs)
    data.materials.append(_material(job.title, result))
    made = bpy.data.objects.new(job.title, data)
    _record(made, job, welcome)
    _collection(scene).objects.link(made)
    if job.order is not None and _stands_in_region(job.order):
        _stand(made, job.order.region)
    if job.said is not None:
        _said(made, job)
    coloured_mesh.show_colors("TEXTURE" if result.is_textured else "VERTEX")
    return made


def _material(title: str, result: Result) -> Material:
    if result.uvs is None or result.base_color is None:
        return coloured_mesh.material()
    return textured_material.material(title, result.base_color, result.normal_map)


def _record(made: Object, job: Job, welcome: Welcome | None) -> None:
    made[JOB] = job.job_id
    made["lightkiln_method"] = job.method
    made["lightkiln_preset"] = job.preset
    if job.order is not None:
        made["lightkiln_params"] = json.dumps(job.order.params)
        made["lightkiln_finish"] = json.dumps(job.order.finish)
        made["lightkiln_cameras"] = len(job.order.shots)
    if welcome is not None:
        made["lightkiln_backend"] = welcome.server_version
    made["lightkiln_extension"] = "0.1.0"


def _stands_in_region(order: Order) -> bool:
    """Whether it was made to stand there: of words, of one picture or of a seed."""
    if order.region is None:
        return False
    return order.wish is not None or (order.given is not None and order.given.need in PLACED)


def _stand(made: Object, region: Region) -> None:
    """Its origin comes to the middle of its region."""
    middle = Matrix.Translation(region.world_from_region[:3, 3].tolist())
    made.data.transform(middle.inverted())
    made.matrix_world = middle


def _said(made: Object, job: Job) -> None:
    """Note the words that it was made of."""
    said, order = job.said, job.order
    made[PROMPT], made[NEGATIVE], made[SEED] = said.text, said.negative, said.seed
    made[GUIDANCE], made[LICENCE] = said.guidance, said.terms
    if order is None or order.region is None or order.wish is None:
        return
    text_start.remember(made, order.region)
    before = bpy.data.objects.get(order.wish.begun_from)
    if before is not None and before.name in bpy.context.view_layer.objects:
        before.hide_set(True)


def _collection(scene: Scene) -> Collection:
    found = scene.collection.children.get(COLLECTION)
    if found is not None:
        return found
    made = bpy.data.collections.new(COLLECTION)
    scene.collection.children.link(made)
    return made


def chosen(context: Context) -> Object | None:
    """The active object if it is a result, or was made of one."""
    active = context.view_layer.objects.active
    return active if active is not None and active.type == "MESH" and JOB in active else None


def unchosen(context: Context) -> str:
    """Why nothing can be done with a result now: a sentence, or nothing."""
    if chosen(context) is None:
        return "Make an imported result the active object"
    return "" if context.mode == "OBJECT" else "Leave the edit mode first"


def select_only(context: Context, thing: Object) -> None:
    """Make an object the active one, and the only one that is selected."""
    for other in context.selected_objects:
        other.select_set(False)
    thing.select_set(True)
    context.view_layer.objects.active = thing
