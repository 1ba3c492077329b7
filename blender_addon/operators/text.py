# SPDX-License-Identifier: GPL-3.0-or-later
"""Words to a mesh: candidates, the mesh, and the mesh once more."""

from __future__ import annotations

from typing import ClassVar

from bpy.props import EnumProperty, IntProperty, StringProperty
from bpy.types import Context, Operator

from .. import job_list, text_again, text_order
from ..shots import Order
from .starting import StartsJob

WAYS = {
    "REFINE": text_again.refined,
    "SEED": text_again.reseeded,
    "VARY": text_again.varied,
}


class Generate(StartsJob, Operator):
    bl_idname = "lightkiln.generate"
    bl_label = "Generate"
    bl_description = "Have the backend make a mesh of the prompt, at the 3D cursor"

    @classmethod
    def missing(cls, context: Context) -> str:
        return text_order.problem(context)

    def order(self, context: Context) -> Order:
        return text_order.order(context)


class Candidates(StartsJob, Operator):
    bl_idname = "lightkiln.candidates"
    bl_label = "Candidates"
    bl_description = "Have the prompt drawn from four sides for each of four seeds, in seconds"

    @classmethod
    def missing(cls, context: Context) -> str:
        return text_order.unseen(context)

    def order(self, context: Context) -> Order:
        return text_order.candidates(context)


class PickCandidate(Operator):
    bl_idname = "lightkiln.pick_candidate"
    bl_label = "Take"
    bl_description = "Generate from this candidate's seed"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    seed: IntProperty(min=0, options={"HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        context.scene.lightkiln.text.seed = self.seed
        return {"FINISHED"}


class TakePrompt(Operator):
    bl_idname = "lightkiln.take_prompt"
    bl_label = "Take Prompt"
    bl_description = "Set prompt, seed and parameters as they were in this job"
    bl_options: ClassVar[set[str]] = {"INTERNAL"}

    job_id: StringProperty(options={"HIDDEN"})

    def execute(self, context: Context) -> set[str]:
        job_list.take_settings(self.job_id, context.scene.name)
        return {"FINISHED"}


class Again(StartsJob, Operator):
    bl_idname = "lightkiln.generate_again"
    bl_label = "Once More"
    bl_description = "Make the active mesh, which was made of words, once more"

    way: EnumProperty(
        name="Way",
        description="What is kept of the mesh, and what is new",
        items=(
            ("REFINE", "Refine", "From this mesh, finer and with less guidance, in its place"),
            ("SEED", "New Seed", "The same words from another seed, beside it"),
            ("VARY", "Vary", "From this mesh with another seed, beside it"),
        ),
    )

    @classmethod
    def description(cls, context: Context, operator: Operator) -> str:
        told = cls.bl_rna.properties["way"].enum_items[operator.way].description
        return f"Make the active mesh once more. {told}" if told else ""

    @classmethod
    def missing(cls, context: Context) -> str:
        return text_again.unchanged(context)

    def order(self, context: Context) -> Order:
        return WAYS[self.way](context)


CLASSES = (Generate, Candidates, PickCandidate, TakePrompt, Again)
