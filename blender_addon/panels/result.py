# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished job has brought, and what can be done with it."""

from __future__ import annotations

from typing import ClassVar

from bpy.types import Context, Panel

from .. import jobs, properties, status
from ..shared.jobs import JobState
from .finish import options
from .layout import Tab, wrapped


class ResultPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_result"
    bl_label = "Result"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and job.state is JobState.SUCCEEDED and jobs.makes_mesh(job)

    def draw(self, context: Context) -> None:
        layout = self.layout
        job = status.current.job
        if job.fetching:
            layout.label(text="Fetching the result…", icon="SORTTIME")
        elif job.waits:
            wrapped(layout, context, "Leave the edit mode to import the result.", icon="INFO")
        elif job.imported:
            if job.imported_as != job.shown:
                layout.label(text=f"Imported as {job.imported_as}", icon="CHECKMARK")
            wrapped(layout, context, job.shown, icon="IMAGE_BACKGROUND")
        row = layout.row(align=True)
        row.operator("lightkiln.fetch_result", icon="IMPORT")
        row.operator("lightkiln.remove", text="", icon="TRASH")
        layout.operator("lightkiln.quads", icon="MOD_REMESH")
        layout.label(text="Export")
        row = layout.row(align=True)
        for name in ("GLB", "OBJ", "PLY", "USD"):
            row.operator("lightkiln.export_result", text=name).format = name


class AgainPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_again"
    bl_parent_id = "LIGHTKILN_PT_result"
    bl_label = "Texture or Simplify Again"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    def draw(self, context: Context) -> None:
        options(self.layout, context)
        textures = properties.of(context).finish.color == "TEXTURE"
        self.layout.operator(
            "lightkiln.finish_again", text="Texture Again" if textures else "Simplify Again"
        )


CLASSES = (ResultPanel, AgainPanel)
