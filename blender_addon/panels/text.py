# SPDX-License-Identifier: GPL-3.0-or-later
"""Words to a mesh: what is wanted, what draws, what it may become, and the mesh once more."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Menu, Panel, UILayout

from .. import (
    candidate_icons,
    job_list,
    method_params,
    result_import,
    status,
    text_again,
    text_order,
)
from ..text_settings import PRIOR, LightkilnText
from .layout import Tab, methods, press, split, wrapped

MAX_PROMPTS = 20
SHOWN = 60
"""Characters of a prompt in a menu."""
SCALE = 6.0
"""Of a candidate's picture."""


class WriterMenu(Menu):
    bl_idname = "LIGHTKILN_MT_writer"
    bl_label = "Method"

    def draw(self, context: Context) -> None:
        methods(self.layout, status.current.writers, "lightkiln.choose_writer")


class PromptsMenu(Menu):
    bl_idname = "LIGHTKILN_MT_prompts"
    bl_label = "Earlier Prompts"

    def draw(self, context: Context) -> None:
        current, told = status.current, set()
        for job in current.listed.values():
            if job.method in current.writers and job.title not in told and len(told) < MAX_PROMPTS:
                told.add(job.title)
                picture = job_list.icon_of(job.job_id)
                shown = {"icon_value": picture} if picture else {"icon": "FONT_DATA"}
                words = job.title if len(job.title) <= SHOWN else f"{job.title[:SHOWN]}…"
                self.layout.operator(
                    "lightkiln.take_prompt", text=words, **shown
                ).job_id = job.job_id
        if not told:
            self.layout.label(text="Nothing was made of words yet")


class TextPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_text"
    bl_label = "Text to 3D"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        layout, text = self.layout, context.scene.lightkiln.text
        row = layout.row(align=True)
        row.prop(text, "prompt", text="")
        row.menu("LIGHTKILN_MT_prompts", text="", icon="TIME")
        split(layout)
        layout.prop(text, "negative")
        _prior(layout, text)
        layout.prop(context.scene.lightkiln, "preset")
        row = layout.row(align=True)
        row.prop(text, "seed")
        row.operator("lightkiln.roll_seed", text="", icon="FILE_REFRESH")
        column = layout.column()
        column.enabled = not text.from_active
        column.prop(text, "size")
        layout.prop(text, "picture")
        layout.prop(text, "from_active")
        layout.row().prop(text, "color", expand=True)
        layout.operator("lightkiln.candidates", icon="IMAGE_DATA")
        _candidates(layout, context, text)
        press(layout).operator("lightkiln.generate", icon="MESH_MONKEY")
        wrapped(layout, context, text_order.problem(context), icon="INFO")


class TextParamsPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_text_params"
    bl_parent_id = "LIGHTKILN_PT_text"
    bl_label = "Method"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return bool(status.current.writers)

    def draw(self, context: Context) -> None:
        layout, scene = self.layout, context.scene
        split(layout)
        method = scene.lightkiln.text.method
        layout.menu("LIGHTKILN_MT_writer", text=status.current.titled(method))
        group = method_params.group_of(scene, method)
        for spec in method_params.specs_of(method):
            if spec.name != PRIOR and not spec.advanced:
                layout.prop(group, spec.name)


class TextAgainPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_text_again"
    bl_parent_id = "LIGHTKILN_PT_text"
    bl_label = "Once More"

    @classmethod
    def poll(cls, context: Context) -> bool:
        return text_again.chosen(context) is not None

    def draw(self, context: Context) -> None:
        layout, thing = self.layout, text_again.chosen(context)
        wrapped(layout, context, str(thing[result_import.PROMPT]), icon="FONT_DATA")
        column = layout.column(align=True)
        column.label(text=f"Seed {thing.get(result_import.SEED, 0)}")
        row = layout.row(align=True)
        for way, name in (("REFINE", "Refine"), ("SEED", "New Seed"), ("VARY", "Vary")):
            row.operator("lightkiln.generate_again", text=name).way = way
        wrapped(layout, context, str(thing.get(result_import.LICENCE, "")), icon="INFO")


def _prior(layout: UILayout, text: LightkilnText) -> None:
    layout.row().prop(text, "prior", expand=True)
    if text.prior == "FOLDER":
        layout.prop(text, "folder")
    elif text.prior == "MODEL":
        layout.prop(text, "model")


def _candidates(layout: UILayout, context: Context, text: LightkilnText) -> None:
    """Two by two, each with the button that takes its seed."""
    drawn = status.current.drawn
    if drawn is None:
        return
    wrapped(layout, context, f"Of: {drawn.said.text}")
    grid = layout.grid_flow(row_major=True, columns=2, even_columns=True)
    for each in drawn.candidates:
        column = grid.column(align=True)
        icon = candidate_icons.icon_of(each.path)
        if icon:
            column.template_icon(icon, scale=SCALE)
        is_taken = each.seed == text.seed
        taken = column.operator(
            "lightkiln.pick_candidate", text=f"Seed {each.seed}", depress=is_taken
        )
        taken.seed = each.seed
    wrapped(layout, context, drawn.said.terms)


CLASSES = (WriterMenu, PromptsMenu, TextPanel, TextParamsPanel, TextAgainPanel)
