# SPDX-License-Identifier: GPL-3.0-or-later
"""The backend's jobs, whoever ordered them: they outlive this Blender, and this file."""

from __future__ import annotations

import time
from typing import Any, ClassVar

from bpy.types import Context, Panel, UILayout, UIList

from .. import job_list, status
from ..shared.jobs import JobSummary
from .job import ICONS, STATES
from .layout import Tab, duration, wrapped

METHOD_ICONS = {
    "align": "OUTLINER_OB_CAMERA",
    "segment": "MOD_MASK",
    "dreamfusion": "FONT_DATA",
    "text-candidates": "IMAGE_DATA",
}


class JobsList(UIList):
    bl_idname = "LIGHTKILN_UL_jobs"

    def draw_item(  # noqa: PLR0913, PLR0917 Blender's own signature
        self,
        context: Context,
        layout: UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
    ) -> None:
        job = status.current.listed.get(item.name)
        if job is None:
            layout.label(text="")
            return
        row = layout.row(align=True)
        picture = job_list.icon_of(job.job_id)
        icon_of_method = METHOD_ICONS.get(job.method, "MESH_DATA")
        shown = {"icon_value": picture} if picture else {"icon": icon_of_method}
        row.label(text=f"{job.title}, {_named(job.method)}", **shown)
        side = row.row(align=True)
        side.alignment = "RIGHT"
        side.label(text=ago(job.created))
        side.label(text="", icon=ICONS.get(job.state, "PLAY"))


class JobsPanel(Tab, Panel):
    bl_idname = "LIGHTKILN_PT_jobs"
    bl_label = "All Jobs"
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        return bool(status.current.listed)

    def draw(self, context: Context) -> None:
        layout = self.layout
        manager = context.window_manager
        row = layout.row()
        row.template_list(
            JobsList.bl_idname,
            "",
            manager,
            "lightkiln_jobs",
            manager,
            "lightkiln_job_index",
            rows=5,
        )
        column = row.column(align=True)
        column.operator("lightkiln.open_job", text="", icon="IMPORT")
        column.operator("lightkiln.retry_job", text="", icon="FILE_REFRESH")
        column.operator("lightkiln.duplicate_job", text="", icon="DUPLICATE")
        column.separator()
        column.operator("lightkiln.remove_job", text="", icon="TRASH")
        _about(layout, context)


def _about(layout: UILayout, context: Context) -> None:
    job = job_list.selected()
    if job is None:
        return
    picture = job_list.icon_of(job.job_id)
    if picture:
        layout.template_icon(picture, scale=6.0)
    took = f", {duration(job.progress.elapsed)}" if job.progress is not None else ""
    layout.label(text=f"{STATES[job.state]}{took}{_place(job)}", icon=ICONS.get(job.state, "PLAY"))
    wrapped(layout, context, f"{_named(job.method)}, {_named(job.preset)}")
    wrapped(layout, context, job.reason)


def _place(job: JobSummary) -> str:
    """Where a job stands in the line of all clients' jobs, and when it will probably begin."""
    if not job.position:
        return ""
    start = f", starts in about {duration(job.starts_in)}" if job.starts_in >= 0.0 else ""
    return f" as number {job.position}{start}"


def _named(identifier: str) -> str:
    """As a method or a preset is called in other panels."""
    return status.current.titled(identifier)


def ago(created: float) -> str:
    """How long ago: `now`, `5 min`, `3 h`, `2 d`."""
    minutes = max(0.0, time.time() - created) / 60.0
    if minutes < 1.0:
        return "now"
    if minutes < 60.0:
        return f"{minutes:.0f} min"
    return f"{minutes / 60.0:.0f} h" if minutes < 48.0 * 60.0 else f"{minutes / 1440.0:.0f} d"


CLASSES = (JobsList, JobsPanel)
