# SPDX-License-Identifier: GPL-3.0-or-later
"""What a finished job has brought."""

from __future__ import annotations

from bpy.types import Context, Panel

from .. import status
from ..shared.jobs import JobState
from .layout import Tab, wrapped


class ResultPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_result"
    bl_label = "Result"

    @classmethod
    def poll(cls, context: Context) -> bool:
        job = status.current.job
        return job is not None and job.state is JobState.SUCCEEDED

    def draw(self, context: Context) -> None:
        layout = self.layout
        job = status.current.job
        if job.fetching:
            layout.label(text="Fetching the mesh…", icon="SORTTIME")
        elif job.mesh is not None:
            wrapped(layout, context, "Leave the edit mode to import the mesh.", icon="INFO")
        elif job.imported:
            layout.label(text=f"Imported as {job.imported_as}", icon="CHECKMARK")
        row = layout.row(align=True)
        row.operator("lightkiln.fetch_result")
        row.operator("lightkiln.remove", text="", icon="TRASH")


CLASSES = (ResultPanel,)
